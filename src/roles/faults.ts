import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { currentListener } from '../telemetry/request-scope.ts';

/** What a process does about errors that nothing caught. */
export interface Faults {
  readonly uncaughtException: (error: unknown) => void;
  readonly unhandledRejection: (error: unknown) => void;
}

/** What is needed to do so. */
export interface Guarded {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'requestErrors'>;
  readonly close: (graceMs: number) => Promise<void>;
}

const DRAIN_WITHIN_MS = 10_000;
/** Time for running work to finish by itself; the rest of {@link DRAIN_WITHIN_MS} is for handing it back. */
const FINISH_WITHIN_MS = 6_000;

/**
 * How a running role survives, or ends. A rejection inside a request is logged and counted, and the process goes on. After any other
 * error its state is unknown: running work is finished or handed back within 10 s, then the process exits. A second exception meanwhile
 * ends it at once.
 */
export function makeFaults({ log, metrics, close }: Guarded, exit: () => void): Faults {
  let isDraining = false;
  const drain = () => {
    isDraining = true;
    setTimeout(exit, DRAIN_WITHIN_MS);
    close(FINISH_WITHIN_MS)
      .catch((error: unknown) => log.error({ err: error }, 'Stopping after the error failed as well'))
      .finally(exit);
  };
  return {
    uncaughtException: (error) => {
      if (isDraining) {
        log.fatal({ err: error }, 'Another uncaught exception while stopping; exiting now');
        return exit();
      }
      log.fatal({ err: error }, 'Uncaught exception; finishing or handing back running work, then exiting');
      drain();
    },
    unhandledRejection: (error) => {
      const listener = currentListener();
      if (listener !== undefined) {
        metrics.requestErrors.inc({ listener });
        log.error({ err: error, listener }, 'A promise was rejected in a request and nothing handled it');
      } else if (isDraining) {
        // Work that is cut off while stopping rejects, and there is nothing left to protect from it.
        log.error({ err: error }, 'A promise was rejected while stopping and nothing handled it');
      } else {
        log.fatal(
          { err: error },
          'Unhandled rejection; finishing or handing back running work, then exiting',
        );
        drain();
      }
    },
  };
}
