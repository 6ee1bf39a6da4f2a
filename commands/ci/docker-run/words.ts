import { wording } from '../../kit.ts';
import { jobOf } from '../../shared/pipelines/places.ts';
import { leftInWords } from './left-behind.ts';
import type { Group, Reason } from './groups.ts';
import type { PlacedLeak } from './facts.ts';
import { withoutSecrets } from './without-secrets.ts';

/** `starts a container that nothing removes`, `starts 3 containers that nothing removes` */
const PREDICATES: Readonly<Record<Reason, (containers: string, isOne: boolean) => string>> = {
  'container-left-behind': (some) => `starts ${some} that nothing removes`,
  'container-left-running': (some) => `starts ${some} that nothing stops or removes`,
  'container-left-after-failure': (some) => `removes ${some} only if nothing fails`,
  'container-meant-to-stay': (some, isOne) => `starts ${some} that ${isOne ? 'is' : 'are'} meant to stay`,
  'container-removed-sometimes': (some) => `removes ${some} only under a condition`,
  'container-may-be-left': (some) => `may leave ${some} behind`,
  'container-removed-elsewhere': (some, isOne) =>
    `starts ${some} without \`--rm\` and removes ${isOne ? 'it' : 'them'} in any case`,
  'container-left-on-discarded-machine': (some, isOne) =>
    `starts ${some} that nothing removes, on ${isOne ? 'a machine that is' : 'machines that are'} discarded after the job`,
};

/** One line: what is wrong, then what to do if that is the same everywhere. */
export function summaryOf(group: Group): string {
  const { reason, target, leaks, severity } = group;
  const isOne = leaks.length === 1;
  const containers = isOne ? 'a container' : wording.count(leaks.length, 'container');
  const what = `${target} ${PREDICATES[reason](containers, isOne)}${whereIn(leaks)}${leftInWords(group.left)}`;
  const advice = severity === 'info' ? undefined : adviceOf(leaks);
  return advice === undefined ? what : `${what}: ${advice}`;
}

/** ` in job unit`, if that is the same for all. */
function whereIn(leaks: readonly PlacedLeak[]): string {
  const [first] = leaks;
  const where = first && jobOf(first);
  return where && leaks.every((leak) => jobOf(leak) === where) ? ` (${where})` : '';
}

/** Other advice depends on the place. */
function adviceOf(leaks: readonly PlacedLeak[]): string | undefined {
  return leaks.every(({ fix }) => fix?.inserts.trim() === '--rm') ? 'add `--rm`' : undefined;
}

/** What the command does, before the reason. If a container is left, the reason says so itself. */
const VERBS: Readonly<Record<Exclude<PlacedLeak['reason'], 'left'>, string>> = {
  running: 'leaves its container running',
  'removed-on-success': 'may leave its container behind',
  'removed-sometimes': 'may leave its container behind',
  removed: 'relies on another command',
  'long-lived': 'starts a container that stays',
  'depends-on-variable': 'may leave its container behind',
  'depends-on-machine': 'may leave its container behind',
  'depends-on-compose-version': 'may leave its container behind',
};

/** What is wrong at one place, and what to do if no correction is known. */
export function messageOf({ command, reason, because, fix, advice }: PlacedLeak): string {
  const shown = shorten(withoutSecrets(command), 120);
  const does = reason === 'left' ? '' : ` ${VERBS[reason]}`;
  const what = `\`${shown}\`${does}: ${decapitalize(because)}`;
  return fix || advice === undefined ? what : `${what}. ${wording.capitalize(advice)}`;
}

export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}

/** A sentence as the rest of another one. Names and commands keep their spelling. */
function decapitalize(sentence: string): string {
  return /^[A-Z][a-z' ]/.test(sentence) ? sentence.charAt(0).toLowerCase() + sentence.slice(1) : sentence;
}
