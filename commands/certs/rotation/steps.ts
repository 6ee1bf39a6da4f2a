import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';

export type StepId =
  | 'add-version'
  | 'trust'
  | 'move-flag'
  | 'renew'
  | 'deploy'
  | 'clear-flag'
  | 'untrust'
  | 'restart'
  | 'retire';

/** One step of a rotation. `unknown`: nothing that was read shows whether it is done. */
export interface Step {
  readonly id: StepId;
  readonly state: 'done' | 'open' | 'unknown';
  /** Imperative, with the exact command if there is one. */
  readonly what: string;
  readonly by: 'button' | 'pipeline' | 'person' | 'automatic';
  /** What shows its state, or what it needs. */
  readonly note?: string | undefined;
  /** When it was done, if a date is known: that of a version, or of the run that saw it first. */
  readonly doneMs?: number | undefined;
  /** When an earlier run saw it done, of a step whose state is unknown now. */
  readonly seenDoneMs?: number | undefined;
}

/** The first step that isn't known to be done. */
export function nextStep(steps: readonly Step[]): Step | undefined {
  return steps.find(({ state }) => state !== 'done');
}

/** `[x]` is done, `[ ]` isn't, `[?]` isn't known. What is left is numbered. */
export function checklist(steps: readonly Step[]): readonly Evidence[] {
  const left = steps.filter(({ state }) => state !== 'done');
  return steps.map((step) => {
    const { state, what, by, note, doneMs, seenDoneMs } = step;
    if (state === 'done') {
      const when = doneMs === undefined ? [] : [day(doneMs)];
      return field('[x]', sentences([what, ...when.map((date) => `done ${date}`)].join(', '), note));
    }
    const seen = seenDoneMs === undefined ? undefined : `An earlier run saw it done on ${day(seenDoneMs)}.`;
    const box = state === 'open' ? '[ ]' : '[?]';
    return field(`${box} ${left.indexOf(step) + 1}`, sentences(`${WHO[by]}: ${what}`, note, seen));
  });
}

const WHO = { button: 'Button', pipeline: 'Pipeline', person: 'Person', automatic: 'Automatic' } as const;

function sentences(...texts: readonly (string | undefined)[]): string {
  return texts
    .filter((text) => text !== undefined && text !== '')
    .join('. ')
    .replaceAll('..', '.');
}

/** `2026-12-05` */
export function day(ms: number): string {
  return wording.isoTimestamp(ms).slice(0, 10);
}
