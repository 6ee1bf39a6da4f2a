/** A response of CredHub that is not a success. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function refuse(status: number, message: string): Refusal {
  return new Refusal(status, message);
}

export const INVALID_ACCESS =
  'The request could not be completed because the credential does not exist or you do not have sufficient authorization.';
