/** The questions of the benchmark, as both programs ask them, in order. */
export const HOST_QUESTIONS = ['clock', 'links', 'addresses', 'routes', 'bonds'] as const;

/** What hosts have in both programs. */
export interface HostsAccess {
  readonly port: number;
  readonly user: string;
  readonly keyPath: string;
  readonly hostKey: string;
  readonly hosts: number;
  readonly concurrency: number;
}
