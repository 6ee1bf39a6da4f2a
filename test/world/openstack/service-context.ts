import type { Token } from './keystone.ts';
import type { CloudContent } from './protocol.ts';

/** What a service knows when it answers. */
export interface ServiceContext extends CloudContent {
  /** Absent for lists of versions. */
  readonly token: Token | undefined;
  /** The address of the service. */
  readonly base: string;
  readonly microversion?: string;
  readonly maxPageSize?: number;
}
