/** A setting that this process needs is missing. The message says which. */
export class MissingSettings extends Error {
  override readonly name = 'MissingSettings';
}
