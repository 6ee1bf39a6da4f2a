import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { currentListener } from '../telemetry/request-scope.ts';

/** Handlers for errors that nothing caught, by the events of Node's `process`. */
export interface ProcessErrorHandlers {
  readonly uncaughtException: (error: unknown) => void;
  readonly unhandledRejection: (error: unknown) => void;
}

/** What the handlers need from the running role. */
export interface ErrorHandlerDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'requestErrors'>;
  readonly close: (graceMs: number) => Promise<void>;
}

const DRAIN_WITHIN_MS = 10_000;
/** Time for running work to finish; the rest of {@link DRAIN_WITHIN_MS} is for requeueing it. */
const FINISH_WORK_WITHIN_MS = 6_000;

/**
 * Makes the handlers for a running role. A rejection in a request is logged and counted, and the process keeps running. After any other error
 * its state is unknown: running work is finished or requeued within 10 s, then the process exits. A second exception meanwhile exits at
 * once.
 */
export function makeProcessErrorHandlers(
  { log, metrics, close }: ErrorHandlerDeps,
  exit: () => void,
): ProcessErrorHandlers {
  let isDraining = false;
  const drain = () => {
    isDraining = true;
    setTimeout(exit, DRAIN_WITHIN_MS);
    close(FINISH_WORK_WITHIN_MS)
      .catch((error: unknown) =>
        log.error({ event: 'stop-failed', err: error }, "Couldn't stop cleanly after the error"),
      )
      .finally(exit);
  };
  return {
    uncaughtException: (error) => {
      if (isDraining) {
        log.fatal(
          { event: 'uncaught-exception-while-stopping', err: error },
          'Uncaught exception while stopping; exiting now',
        );
        return exit();
      }
      log.fatal(
        { event: 'uncaught-exception', err: error },
        'Uncaught exception; finishing or requeueing running work, then exiting',
      );
      drain();
    },
    unhandledRejection: (error) => {
      const listener = currentListener();
      if (listener !== undefined) {
        metrics.requestErrors.inc({ listener });
        log.error(
          { event: 'unhandled-rejection-in-request', err: error, listener },
          'Unhandled rejection in a request',
        );
      } else if (isDraining) {
        // Work that is interrupted while stopping rejects.
        log.error(
          { event: 'unhandled-rejection-while-stopping', err: error },
          'Unhandled rejection while stopping',
        );
      } else {
        log.fatal(
          { event: 'unhandled-rejection', err: error },
          'Unhandled rejection; finishing or requeueing running work, then exiting',
        );
        drain();
      }
    },
  };
}
