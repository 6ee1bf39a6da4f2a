/** A message on Slack's socket, as https://docs.slack.dev/apis/events-api/using-socket-mode describes it. */
type Envelope = Readonly<Record<string, unknown>>;

/** Messages for the client itself. */
const CONTROL_MESSAGES = new Set(['hello', 'disconnect']);

/**
 * A message of the socket in a form that the Socket Mode client can read; undefined if it isn't an envelope. The client emits an event named after
 * the envelope, or after the Events API event in it. A payload could thus trigger one of the client's own events (`error`, `close`), and an event
 * without a type makes it fail. So all envelopes get the same type, which nothing listens for; Bolt reads only the payload.
 */
export function readEnvelope(data: unknown): string | undefined {
  const envelope = typeof data === 'string' ? parse(data) : undefined;
  if (envelope === undefined) return undefined;
  const { type, envelope_id: id } = envelope;
  if (typeof type === 'string' && CONTROL_MESSAGES.has(type)) return data as string;
  if (typeof id !== 'string' || id === '') return undefined;
  try {
    return JSON.stringify({ ...envelope, type: 'interactive' });
  } catch {
    // Nested too deeply for JSON.stringify: acknowledged without its payload.
    return JSON.stringify({ envelope_id: id, type: 'interactive', payload: null });
  }
}

function parse(text: string): Envelope | undefined {
  try {
    const envelope: unknown = JSON.parse(text);
    return typeof envelope === 'object' && envelope !== null ? (envelope as Envelope) : undefined;
  } catch {
    return undefined;
  }
}
