import { cleanText } from '../../../text/clean-text.ts';
import type { Plan } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { Remediation } from '../../../store/remediation/record.ts';
import { cost, fit } from '../inert.ts';
import type { Attachment } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  codeSpan,
  glue,
  line,
  ordered,
  type Part,
  rich,
  say,
} from '../pieces.ts';
import { bytesInWords } from './words.ts';

/** Characters for a part of a plan, and for each of its entries. */
interface Share {
  readonly room: number;
  readonly each: number;
}

interface Shares {
  readonly lines: Share;
  readonly targets: Share;
  readonly precondition: Share;
  readonly afterwards: Share;
}

/** On the card that is approved. Together with all else on it below what Slack takes in one message. */
const WHOLE: Shares = {
  lines: { room: 3_600, each: 700 },
  targets: { room: 1_000, each: 300 },
  precondition: { room: 700, each: 300 },
  afterwards: { room: 800, each: 400 },
};
/** Later, when what was done matters more. */
const BRIEF: Shares = {
  lines: { room: 1_200, each: 300 },
  targets: { room: 400, each: 150 },
  precondition: { room: 0, each: 0 },
  afterwards: { room: 800, each: 400 },
};

interface Cut {
  readonly shown: readonly string[];
  readonly left: number;
  readonly isCut: boolean;
}

/** As many entries as there is room for, each cut to its share. */
function cutTo({ room, each }: Share, entries: readonly string[]): Cut {
  const shown: string[] = [];
  let spent = 0;
  let isCut = false;
  for (const entry of entries.map(cleanText)) {
    const fitted = fit(entry, each);
    spent += cost(fitted);
    if (spent > room) break;
    isCut ||= fitted !== entry;
    shown.push(fitted);
  }
  const left = entries.length - shown.length;
  return { shown, left, isCut: isCut || left > 0 };
}

function preconditionsOf({ precondition }: Plan): readonly string[] {
  return Object.entries(precondition).map(([name, value]) => `${cleanText(name)}: ${cleanText(value)}`);
}

/** What the approver approves, a block an idea. Where it has no room it says so, and {@link planFile} has the whole. */
export function wholePlan(remediation: Remediation, plan: Plan): Blocks {
  const { filename } = planFile(remediation) ?? {};
  const groups = [
    [...planLines(WHOLE, plan, 'What will be done'), ...bytesOf(plan)],
    conditionsOf(plan),
    filename === undefined
      ? []
      : [
          line(
            bold(
              `This is not the whole plan. The attached ${filename} has the rest: read it before you approve.`,
            ),
          ),
        ],
    afterwardsOf(plan),
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

function bytesOf({ bytes }: Plan): readonly Part[] {
  return bytes === undefined ? [] : [line(say('Affects'), glue(' '), bold(bytesInWords(bytes)), glue('.'))];
}

function conditionsOf(plan: Plan): readonly Part[] {
  const conditions = cutTo(WHOLE.precondition, preconditionsOf(plan));
  if (conditions.shown.length === 0) return [];
  const items = conditions.shown.map((one) => line(say(one, WHOLE.precondition.each)));
  return [line(bold('Only if this is still so')), bullets([...items, ...more(conditions)])];
}

/** What was planned, once it is no longer to be approved. */
export function briefPlan(plan: Plan, title: string): readonly Part[] {
  return planLines(BRIEF, plan, title);
}

function planLines(shares: Shares, plan: Plan, title: string): readonly Part[] {
  const lines = cutTo(shares.lines, plan.lines);
  const targets = cutTo(shares.targets, plan.targets);
  const left = targets.left > 0 ? [glue(` and ${targets.left} more`)] : [];
  const spans = targets.shown.flatMap((target, at) => [
    ...(at > 0 ? [glue(', ')] : []),
    codeSpan(target, shares.targets.each),
  ]);
  return [
    line(bold(title)),
    ordered([...lines.shown.map((one) => line(say(one, shares.lines.each))), ...more(lines)]),
    line(glue(`${countInWords(plan.targets.length, 'target')}: `), ...spans, ...left),
  ];
}

function more({ left }: Cut): readonly ReturnType<typeof line>[] {
  return left > 0 ? [line({ ...say(`and ${left} more`), style: { italic: true } })] : [];
}

/** What people must do themselves: bold, because it is what is forgotten. */
export function afterwardsOf({ afterwards = [] }: Plan): readonly Part[] {
  if (afterwards.length === 0) return [];
  const cut = cutTo(WHOLE.afterwards, afterwards);
  return [
    line(bold('Afterwards')),
    bullets([...cut.shown.map((one) => line(bold(one, WHOLE.afterwards.each))), ...more(cut)]),
  ];
}

/** The whole plan as text, for the thread, where the card has no room for all of it; else undefined. */
export function planFile(remediation: Remediation): Attachment | undefined {
  const { id, plan, title } = remediation;
  if (!plan || !isTooLong(plan)) return undefined;
  return {
    filename: `plan-${id}.txt`,
    title: `The whole plan: ${fit(cleanText(title), 150)}`,
    content: planInText(remediation, plan),
  };
}

function isTooLong(plan: Plan): boolean {
  return [
    cutTo(WHOLE.lines, plan.lines),
    cutTo(WHOLE.targets, plan.targets),
    cutTo(WHOLE.precondition, preconditionsOf(plan)),
    cutTo(WHOLE.afterwards, plan.afterwards ?? []),
  ].some(({ isCut }) => isCut);
}

function planInText(remediation: Remediation, plan: Plan): string {
  const { id, title, environment, check, finding, planHash } = remediation;
  const list = (heading: string, entries: readonly string[], sign: (at: number) => string) =>
    entries.length === 0
      ? []
      : ['', heading, ...entries.map((entry, at) => `${sign(at)} ${cleanText(entry)}`)];
  const dash = () => '  -';
  return `${[
    cleanText(title),
    `${cleanText(environment)} · ${cleanText(check)} · ${cleanText(finding.target)}`,
    `remediation ${id}, plan ${planHash ?? 'without a hash'}`,
    ...list('What will be done', plan.lines, (at) => `${String(at + 1).padStart(3)}.`),
    ...list(countInWords(plan.targets.length, 'target'), plan.targets, dash),
    ...(plan.bytes === undefined ? [] : ['', `Affects ${bytesInWords(plan.bytes)} (${plan.bytes} bytes).`]),
    ...list('Only if this is still so', preconditionsOf(plan), dash),
    ...list('Afterwards', plan.afterwards ?? [], dash),
  ].join('\n')}\n`;
}
