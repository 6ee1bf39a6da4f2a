/**
 * Slots for connections: at most `most` are busy or idle at once.
 *
 * - A slot whose host says nothing for `silentAfterMs` doesn't count, up to `mostSilent` of them: hosts that don't respond, or that hang after the
 *   login, occupy no slot of the others, whatever the order in which they are asked.
 * - While others wait, a connection that has been idle for `idleAfterMs` is closed for them. The delay lets the next question of the same host come.
 */
export interface ConnectionSlots {
  /** Waits for a slot, in the order of the calls. Rejects with the reason of the signal. */
  readonly take: (signal: AbortSignal) => Promise<ConnectionSlot>;
}

export interface ConnectionSlot {
  /** Something came from the host. */
  readonly progressed: () => void;
  /** Nothing runs on the connection. `close` is called, once, if others need the slot, which is then free. */
  readonly becameIdle: (close: () => void) => void;
  readonly becameBusy: () => void;
  /** Frees the slot; safe to call twice. */
  readonly release: () => void;
}

interface SlotOptions {
  readonly most: number;
  readonly mostSilent: number;
  readonly silentAfterMs: number;
  readonly idleAfterMs: number;
}

interface Held {
  isSilent: boolean;
  idle?: { readonly since: number; readonly close: () => void };
}

interface Waiting {
  readonly grant: (slot: ConnectionSlot) => void;
}

export function openConnectionSlots({
  most,
  mostSilent,
  silentAfterMs,
  idleAfterMs,
}: SlotOptions): ConnectionSlots {
  const waiting = new Set<Waiting>();
  const held = new Set<Held>();
  let silent = 0;
  let next: NodeJS.Timeout | undefined;

  /** The slot that has been idle for longest. */
  const oldestIdle = (): Required<Held> | undefined => {
    let oldest: Required<Held> | undefined;
    for (const one of held)
      if (one.idle && one.idle.since < (oldest?.idle.since ?? Infinity)) oldest = one as Required<Held>;
    return oldest;
  };

  const serve = (): void => {
    clearTimeout(next);
    for (const one of waiting) {
      if (held.size - Math.min(silent, mostSilent) >= most) {
        const oldest = oldestIdle();
        if (!oldest) return;
        const waitMs = oldest.idle.since + idleAfterMs - performance.now();
        if (waitMs > 0) {
          next = setTimeout(serve, waitMs);
          return;
        }
        held.delete(oldest);
        oldest.idle.close();
      }
      waiting.delete(one);
      one.grant(grant());
    }
  };

  const grant = (): ConnectionSlot => {
    const slot: Held = { isSilent: false };
    held.add(slot);
    const timer = setTimeout(() => {
      if (!held.has(slot) || slot.idle) return;
      slot.isSilent = true;
      silent += 1;
      serve();
    }, silentAfterMs);
    timer.unref();
    const responds = (): void => {
      if (!held.has(slot)) return;
      if (slot.isSilent) silent -= 1;
      slot.isSilent = false;
      timer.refresh();
    };
    return {
      progressed: responds,
      becameIdle: (close) => {
        if (!held.has(slot)) return;
        responds();
        slot.idle = { since: performance.now(), close };
        if (waiting.size > 0) serve();
      },
      becameBusy: () => {
        delete slot.idle;
        responds();
      },
      release: () => {
        clearTimeout(timer);
        if (!held.delete(slot)) return;
        if (slot.isSilent) silent -= 1;
        slot.isSilent = false;
        serve();
      },
    };
  };

  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const one: Waiting = {
          grant: (slot) => {
            signal.removeEventListener('abort', onAbort);
            resolve(slot);
          },
        };
        const onAbort = (): void => {
          waiting.delete(one);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.add(one);
        return serve();
      }),
  };
}
