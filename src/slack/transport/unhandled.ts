import type { App, Receiver } from '@slack/bolt';
import type { Log } from '../../telemetry/log.ts';
import { isKnownToBolt, kindOf, malformedFields } from './payload.ts';

type Process = App['processEvent'];

/**
 * Acknowledges what no listener acknowledges, with a debug line: kinds of payloads without a listener, and malformed ones, which are not
 * passed to Bolt. A payload counts as handled if a listener acknowledges it, so adding a listener is enough to handle more kinds.
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
      // The socket may just have been closed; then Slack delivers again.
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
    log.debug({ kind }, 'Acknowledged a payload from Slack that has no handler');
    await ack();
  };
}
