/** The row under this key, or undefined. Ids come from outside: "toString" must not find what every object inherits. */
export function own<T>(rows: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(rows, key) ? rows[key] : undefined;
}
