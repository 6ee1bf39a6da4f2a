import type { App, Receiver } from '@slack/bolt';
import type { Log } from '../../telemetry/log.ts';
import { isKnownToBolt, kindOf, malformedFields } from './payload.ts';

type Process = App['processEvent'];

/**
 * Acknowledges payloads that no listener acknowledges, with a debug line: kinds without a listener, and malformed ones, which aren't passed to Bolt.
 * A payload counts as handled if a listener acknowledges it, so adding a listener is enough to handle more kinds.
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
      await event
        .ack(answer)
        .catch((error: unknown) =>
          log.debug(
            { event: 'payload-not-acknowledged', err: error },
            "Couldn't acknowledge a payload from Slack",
          ),
        );
    };
    const kind = kindOf(event.body) ?? 'unknown';
    const malformed = malformedFields(event.body);
    if (malformed.length > 0) {
      log.debug(
        { event: 'malformed-payload', kind, malformed },
        'Ignored a payload from Slack with missing or malformed fields',
      );
      return ack();
    }
    // Bolt acknowledges events itself.
    if (kind === 'event_callback')
      log.debug({ event: 'slack-event-acknowledged', kind }, 'Acknowledged an event from Slack');
    try {
      if (isKnownToBolt(event.body)) await next({ ...event, ack });
    } catch (error) {
      log.error({ event: 'payload-failed', err: error, kind }, "Bolt couldn't process a payload from Slack");
    }
    if (isAcknowledged) return;
    log.debug({ event: 'payload-unhandled', kind }, 'Acknowledged a payload from Slack that has no handler');
    await ack();
  };
}
