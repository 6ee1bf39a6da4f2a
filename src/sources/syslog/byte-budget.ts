/** The bytes that one query may read. */
export interface ByteBudget {
  readonly bytes: number;
  /** @throws {BudgetSpentError} if fewer are left. */
  readonly take: (bytes: number) => void;
  readonly refund: (bytes: number) => void;
}

export class BudgetSpentError extends Error {
  override readonly name = 'BudgetSpentError';
}

export function startBudget(bytes: number): ByteBudget {
  let left = bytes;
  return {
    bytes,
    take: (taken) => {
      if (taken > left) {
        left = 0;
        throw new BudgetSpentError();
      }
      left -= taken;
    },
    refund: (given) => {
      left += given;
    },
  };
}
