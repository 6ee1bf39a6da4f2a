import type { App, Receiver } from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import { isKnownToBolt, kindOf, malformedFields } from './payload.ts';

type Process = App['processEvent'];

/**
 * Acknowledges at once what no listener acknowledges: payloads of kinds that nobody listens for, and malformed ones, which Bolt does not
 * get to see. A payload counts as handled where a listener acknowledges it, so that adding a listener is all it takes to handle more.
 * Of deliveries that are not handled a debug line remains.
 */
export function acknowledgeUnhandled(receiver: Receiver, log: Log): Receiver {
  return {
    init: (app) => {
      const guarded = { processEvent: guard((event) => app.processEvent(event), log) };
      receiver.init(guarded as App);
    },
    start: (...options) => receiver.start(...options),
    stop: (...options) => receiver.stop(...options),
  };
}

function guard(next: Process, log: Log): Process {
  return async (event) => {
    let isAcknowledged = false;
    const ack: typeof event.ack = async (answer) => {
      if (isAcknowledged) return;
      isAcknowledged = true;
      // Over a socket that has just been closed nothing can be acknowledged; Slack delivers again.
      await event.ack(answer).catch((error: unknown) => log.debug({ err: error }, 'Could not acknowledge'));
    };
    const kind = kindOf(event.body) ?? 'unknown';
    const malformed = malformedFields(event.body);
    if (malformed.length > 0) {
      log.debug({ kind, malformed }, 'Ignored a payload from Slack with missing or malformed fields');
      return ack();
    }
    // Bolt acknowledges events by itself.
    if (kind === 'event_callback') log.debug({ kind }, 'Acknowledged an event from Slack');
    try {
      if (isKnownToBolt(event.body)) await next({ ...event, ack });
    } catch (error) {
      log.error({ err: error, kind }, 'Bolt could not process a payload from Slack');
    }
    if (isAcknowledged) return;
    log.debug({ kind }, 'Acknowledged a payload from Slack that nothing here handles');
    await ack();
  };
}
