// Values as the tests write them.

/** A value from its JSON: `null`, or its type and itself. */
export function fromJson(json) {
  if (json === "null") return null;
  const [[type, itself]] = Object.entries(json);
  return type === "int64" ? BigInt(itself) : itself;
}
