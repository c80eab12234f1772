// One of several workers that race for the batches of `files`.

/** Claims and ends batches until nothing is left; gives the ids of the items that it was handed. */
export async function race(inventory, { job, maxCount }) {
  const uids = [];
  for await (const batch of inventory.batches({ metaTable: "files", job, maxCount })) {
    for await (const { uid } of batch.items()) uids.push(uid);
    await batch.succeed();
  }
  return uids;
}
