const GIB = 1_024 ** 3;
const MILLION = 1_000_000;

/** `61,240` */
export function amount(number: number): string {
  return number.toLocaleString('en-US');
}

/** An estimate, with two digits: `about 1.3 million`, `about 38,000`. */
export function about(number: number): string {
  const rounded = Number(number.toPrecision(2));
  return rounded >= MILLION ? `about ${rounded / MILLION} million` : `about ${amount(rounded)}`;
}

/** In the units of MySQL's tools: `36 GiB`. */
export function gibibytes(bytes: number): string {
  const size = bytes / GIB;
  return `${Number(size.toFixed(size < 10 ? 1 : 0))} GiB`;
}
