/** The process lacks what its role needs; the message says what to set. */
export class MissingSettings extends Error {
  override readonly name = 'MissingSettings';
}
