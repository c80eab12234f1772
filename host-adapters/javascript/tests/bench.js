// What the package adds to the statements of acquire and complete: the same statements with the same driver, bare, and
// through the package. Processor time is that of all threads of this process: it tells the cost on a machine that is busy with
// other things, too. Arguments: the URL of a PostgreSQL database without tables of ours, how many batches.
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "batchintory";
import pg from "pg";

const [url, batches = "500"] = process.argv.slice(2);
const request = { metaTable: "bench_files", job: "bench", maxCount: 10 };
const reader = { 16: (text) => text === "t", 20: BigInt, 701: Number };
const types = { getTypeParser: (type) => reader[type] ?? String };

const pool = new pg.Pool({ connectionString: url });
const items = 10 * (3 * Number(batches) + 500);
await pool.query("DROP TABLE IF EXISTS bench_files, inventory");
await pool.query("CREATE TABLE bench_files (uid bigint PRIMARY KEY, item text, weight float8)");
await pool.query(`INSERT INTO bench_files SELECT n, 'item', 1 FROM generate_series(1, ${items}) n`);
await pool.query("ANALYZE bench_files");

/** Runs statements by the caller's own function, in the caller's thread, and takes down what they are. */
const recorded = [];
let isRecording = false;
const query = async (_source, text, values) => {
  if (isRecording) recorded.push([text, values]);
  const { rows, rowCount, command } = await pool.query({ text, values, rowMode: "array", types });
  return { rows, affected: command === "SELECT" ? 0 : (rowCount ?? 0) };
};

async function measured(times, work) {
  const milliseconds = [];
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) {
    const start = performance.now();
    await work(time);
    milliseconds.push(performance.now() - start);
  }
  milliseconds.sort((left, right) => left - right);
  const { user, system } = process.cpuUsage(before);
  return { time: milliseconds[Math.floor(times / 2)], processor: (user + system) / 1000 / times };
}

async function acquireAndComplete(inventory) {
  const { batch } = await inventory.acquire(request);
  await batch.succeed({ rows: 7 });
}

const inThread = await open({ inventory: url });
const own = await open({ query, dialect: "postgresql" });
await own.migrate();
// Warm, and one batch whose statements are taken down.
await measured(50, () => acquireAndComplete(own));
await measured(50, () => acquireAndComplete(inThread));
isRecording = true;
await acquireAndComplete(own);
isRecording = false;
await sleep(100);

const token = recorded.flatMap(([, values]) => values).find((value) => /^[0-9a-f]{32}$/.test(value));
/** The same statements for another job and another batch: claims chain up by what they follow. */
async function bare(turn) {
  for (const [text, values] of recorded) {
    const isInsert = /^\s*insert/i.test(text);
    const changed = values.map((value) => {
      if (value === request.job) return "bare";
      if (value === token) return `bench-${String(turn).padStart(26, "0")}`;
      return isInsert && typeof value === "bigint" && value > 100n
        ? value + 1_000_000n * BigInt(turn + 1)
        : value;
    });
    await pool.query({ text, values: changed, rowMode: "array", types });
  }
}

const figures = { bare: [], "in a thread, by URL": [], "own query function": [] };
for (let round = 0; round < 5; round += 1) {
  const times = Math.floor(Number(batches) / 5);
  figures.bare.push(await measured(times, (turn) => bare(round * times + turn)));
  figures["in a thread, by URL"].push(await measured(times, () => acquireAndComplete(inThread)));
  figures["own query function"].push(await measured(times, () => acquireAndComplete(own)));
}
const median = (numbers) => numbers.sort((left, right) => left - right)[Math.floor(numbers.length / 2)];
const middle = (rounds) => ({
  time: median(rounds.map(({ time }) => time)),
  processor: median(rounds.map(({ processor }) => processor)),
});
const bareStatements = middle(figures.bare);
console.log(
  `acquire and complete: ${recorded.length} statements, medians of ${batches} batches, in milliseconds`,
);
for (const [name, rounds] of Object.entries(figures)) {
  const { time, processor } = middle(rounds);
  const over = [time - bareStatements.time, processor - bareStatements.processor].map((more) =>
    more.toFixed(3),
  );
  console.log(
    `${name}: ${time.toFixed(3)}, of the processor ${processor.toFixed(3)}; over bare ${over.join(" and ")}`,
  );
}
await Promise.all([inThread.close(), own.close(), pool.end()]);
