import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultPlan } from '../faults.ts';
import type { Interactions } from '../interactions.ts';
import type { Store } from '../store.ts';

export interface KnownCommand {
  readonly command: string;
  readonly usage?: string;
  readonly description: string;
}

export interface PageParts {
  readonly store: Store;
  readonly interactions: Interactions;
  readonly faults: FaultPlan;
  readonly commands: readonly KnownCommand[];
}

export function createPage(_parts: PageParts) {
  return {
    answer: async (_path: string, _request: IncomingMessage, response: ServerResponse): Promise<void> => {
      response.writeHead(404).end();
    },
    close: () => {},
  };
}
