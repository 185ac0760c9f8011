/** A count for people: 1234567 is `1.2M`. */
export function count(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)}M`;
  return value >= 10_000 ? `${Math.round(value / 1_000)}k` : String(value);
}

/** US dollars with cents; null when it is not known. */
export function dollars(usd: number | null): string | null {
  return usd === null ? null : `$${usd.toFixed(2)}`;
}

/** Bytes for people: 2048 is `2.0 KiB`. */
export function bytes(value: number): string {
  if (value >= 1_048_576) return `${(value / 1_048_576).toFixed(1)} MiB`;
  return value >= 1_024 ? `${(value / 1_024).toFixed(1)} KiB` : `${value} B`;
}
