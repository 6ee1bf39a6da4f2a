import { cleanText } from '../../../text/clean-text.ts';
import type { Plan } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { encodedLength, truncate } from '../escape-untrusted.ts';
import type { Attachment } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  plain,
  line,
  ordered,
  type RichTextPart,
  rich,
  text,
} from '../blocks.ts';
import { afterwardsOf, bytesInWords, remediationTarget, RISK_LABELS } from './words.ts';
import { sentence } from '../sentence.ts';

/** Limits for a part of a plan and for each of its entries. */
interface PartLimits {
  readonly maxChars: number;
  readonly maxEntryChars: number;
}

/** On the card that is approved. Together with the rest of the card, this stays below Slack's limit for a message. */
const WHOLE_PLAN = {
  impact: { maxChars: 400, maxEntryChars: 400 },
  irreversible: { maxChars: 600, maxEntryChars: 300 },
  safety: { maxChars: 600, maxEntryChars: 300 },
  lines: { maxChars: 3_600, maxEntryChars: 700 },
  targets: { maxChars: 1_000, maxEntryChars: 300 },
  precondition: { maxChars: 700, maxEntryChars: 300 },
  leftOut: { maxChars: 600, maxEntryChars: 300 },
  afterwards: { maxChars: 800, maxEntryChars: 400 },
} as const satisfies Readonly<Record<string, PartLimits>>;
/** A plan with more lines is shown as examples; the attached file has all lines. */
const MAX_LISTED_LINES = 50;
/** How many examples. */
const EXAMPLE_LINES = 10;
/** On later cards, where the completed steps matter more. */
const BRIEF_LINES: PartLimits = { maxChars: 1_200, maxEntryChars: 300 };

interface FittedEntries {
  readonly shown: readonly string[];
  readonly left: number;
  readonly isCut: boolean;
}

/** As many entries as fit, each truncated to its limit. */
function fitEntries({ maxChars, maxEntryChars }: PartLimits, entries: readonly string[]): FittedEntries {
  const shown: string[] = [];
  let usedChars = 0;
  let isCut = false;
  for (const entry of entries.map(cleanText)) {
    const fitted = truncate(entry, maxEntryChars);
    usedChars += encodedLength(fitted);
    if (usedChars > maxChars) break;
    isCut ||= fitted !== entry;
    shown.push(fitted);
  }
  const left = entries.length - shown.length;
  return { shown, left, isCut: isCut || left > 0 };
}

/** The lines that fit; of a plan with too many, the first few as examples. */
function fitLines(limits: PartLimits, { lines }: Plan): FittedEntries {
  if (lines.length <= MAX_LISTED_LINES) return fitEntries(limits, lines);
  const { shown } = fitEntries(limits, lines.slice(0, EXAMPLE_LINES));
  return { shown, left: lines.length - shown.length, isCut: true };
}

/** `500 steps, for example:` */
function linesHeading(title: string, { lines }: Plan): readonly RichTextPart[] {
  return lines.length <= MAX_LISTED_LINES
    ? [line(bold(title))]
    : [line(bold(title)), line(plain(`${countInWords(lines.length, 'step')}, for example:`))];
}

function preconditionLines({ precondition }: Plan): readonly string[] {
  return Object.entries(precondition).map(([name, value]) => `${cleanText(name)}: ${cleanText(value)}`);
}

function partPreconditionLines({ parts = [] }: Plan): readonly string[] {
  return parts.flatMap(({ target, precondition }) =>
    Object.entries(precondition).map(
      ([name, value]) => `${cleanText(target)}: ${cleanText(name)} ${cleanText(value)}`,
    ),
  );
}

/** How much of the plan's risk people see at the top: its label, its impact in one line, and what can't be undone. */
export function riskParts({ risk, plan, mitigates }: RemediationRecord): readonly RichTextPart[] {
  const { impact, targets = [], irreversible = [] }: Partial<Plan> = plan ?? {};
  const eases = mitigates ? ". It eases the fault but doesn't remove it" : '';
  const what =
    impact === undefined
      ? []
      : [plain(' · '), ...sentence(impact + eases, { max: WHOLE_PLAN.impact.maxEntryChars, names: targets })];
  const cut = fitEntries(WHOLE_PLAN.irreversible, irreversible);
  const options = { max: WHOLE_PLAN.irreversible.maxEntryChars, isBold: true, names: targets };
  return [
    line(bold(RISK_LABELS[risk]), ...what),
    ...cut.shown.map((one) => line(bold(`${CANNOT_BE_UNDONE}:`), plain(' '), ...sentence(one, options))),
    ...more(cut),
  ];
}

const CANNOT_BE_UNDONE = "Can't be undone";
const CHECKED_AGAIN = 'Checked again before applying';

/** What the approver approves, below its risk. If it doesn't fit, the card says so and {@link planFile} has the whole plan. */
export function wholePlanBlocks(remediation: RemediationRecord, plan: Plan): Blocks {
  const { filename } = planFile(remediation) ?? {};
  const groups = [
    safetyParts(plan),
    [...stepsParts(WHOLE_PLAN.lines, plan, 'Steps'), ...affectedBytesPart(plan)],
    leftOutParts(plan),
    afterwardsParts(remediation),
    filename === undefined
      ? []
      : [
          line(
            bold(
              `This isn't the whole plan. The attached ${filename} has the rest: read it before you approve.`,
            ),
          ),
        ],
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

/** The facts that must still be the same. */
function safetyParts({ safety = [], targets }: Plan): readonly RichTextPart[] {
  if (safety.length === 0) return [];
  const cut = fitEntries(WHOLE_PLAN.safety, safety);
  const items = cut.shown.map((one) =>
    line(...sentence(one, { max: WHOLE_PLAN.safety.maxEntryChars, names: targets })),
  );
  return [line(bold(`${CHECKED_AGAIN}:`)), bullets([...items, ...more(cut)])];
}

function leftOutLines({ leftOut = [] }: Plan): readonly string[] {
  return leftOut.map(({ target, because }) => `${cleanText(target)}: ${cleanText(because)}`);
}

/** Targets of the offer that the plan doesn't fix. */
export function leftOutParts(plan: Plan): readonly RichTextPart[] {
  const cut = fitEntries(WHOLE_PLAN.leftOut, leftOutLines(plan));
  if (cut.shown.length === 0) return [];
  const names = [...plan.targets, ...(plan.leftOut ?? []).map(({ target }) => target)];
  const items = cut.shown.map((one) =>
    line(...sentence(one, { max: WHOLE_PLAN.leftOut.maxEntryChars, names })),
  );
  return [line(bold('Not in this plan')), bullets([...items, ...more(cut)])];
}

/** Plans of 0.11 have no impact, which says how many. */
function affectedBytesPart({ bytes, impact }: Plan): readonly RichTextPart[] {
  return bytes === undefined || impact !== undefined
    ? []
    : [line(text('Affects'), plain(' '), bold(bytesInWords(bytes)), plain('.'))];
}

/** The plan in brief, once it no longer needs approval. */
export function briefPlanParts(plan: Plan): readonly RichTextPart[] {
  return stepsParts(BRIEF_LINES, plan, 'Plan');
}

function stepsParts(limits: PartLimits, plan: Plan, title: string): readonly RichTextPart[] {
  const lines = fitLines(limits, plan);
  return [
    ...linesHeading(title, plan),
    ordered([...lines.shown.map((one) => line(text(one, limits.maxEntryChars))), ...more(lines)]),
  ];
}

/** What identifies the plan, in small print: its targets and the preconditions. */
export function smallPrint(plan: Plan): readonly string[] {
  const targets = fitEntries(WHOLE_PLAN.targets, targetsBesideParts(plan));
  const count = countInWords(plan.targets.length, 'target');
  const named = targets.shown.join(', ') + (targets.left > 0 ? ` and ${targets.left} more` : '');
  const conditions = fitEntries(WHOLE_PLAN.precondition, preconditionLines(plan));
  const left = conditions.left > 0 ? ` · and ${conditions.left} more` : '';
  return [
    ...(named === '' ? [] : [`${count}${plan.parts ? ', including ' : ': '}${named}`]),
    ...(plan.parts
      ? ["Each step is checked again right before it's applied, and skipped if it has changed."]
      : []),
    ...(conditions.shown.length > 0 ? [`Preconditions: ${conditions.shown.join(' · ')}${left}`] : []),
  ];
}

/** The lines of a plan for several targets name those. Other targets are listed, such as an authority that all of them use. */
function targetsBesideParts({ targets, parts = [] }: Plan): readonly string[] {
  const named = new Set(parts.map(({ target }) => target));
  return targets.filter((target) => !named.has(target));
}

function more({ left }: FittedEntries): readonly ReturnType<typeof line>[] {
  return left > 0 ? [line({ ...text(`and ${left} more`), style: { italic: true } })] : [];
}

/** Manual steps. Once the plan is applied they are bold, because they are easily forgotten. */
export function afterwardsParts(remediation: RemediationRecord): readonly RichTextPart[] {
  const cut = fitEntries(WHOLE_PLAN.afterwards, afterwardsOf(remediation));
  if (cut.shown.length === 0) return [];
  const { state, plan } = remediation;
  const isBold = state !== 'planned';
  const options = { max: WHOLE_PLAN.afterwards.maxEntryChars, isBold, names: plan?.targets ?? [] };
  const items = cut.shown.map((one) => line(...sentence(one, options)));
  return [line(bold('Afterwards')), bullets([...items, ...more(cut)])];
}

/** The whole plan as a text file for the thread; undefined if the card shows all of it. */
export function planFile(remediation: RemediationRecord): Attachment | undefined {
  const { id, plan, title } = remediation;
  if (!plan || !isTooLong(plan)) return undefined;
  return {
    filename: `plan-${id}.txt`,
    title: `The whole plan: ${truncate(cleanText(title), 150)}`,
    content: planInText(remediation, plan),
  };
}

function isTooLong(plan: Plan): boolean {
  return [
    fitEntries(WHOLE_PLAN.impact, plan.impact === undefined ? [] : [plan.impact]),
    fitEntries(WHOLE_PLAN.irreversible, plan.irreversible ?? []),
    fitEntries(WHOLE_PLAN.safety, plan.safety ?? []),
    fitLines(WHOLE_PLAN.lines, plan),
    fitEntries(WHOLE_PLAN.targets, targetsBesideParts(plan)),
    fitEntries(WHOLE_PLAN.precondition, preconditionLines(plan)),
    fitEntries(WHOLE_PLAN.leftOut, leftOutLines(plan)),
    fitEntries(WHOLE_PLAN.afterwards, plan.afterwards ?? []),
  ].some(({ isCut }) => isCut);
}

function planInText(remediation: RemediationRecord, plan: Plan): string {
  const { id, title, environment, check, planHash, risk } = remediation;
  const list = (heading: string, entries: readonly string[], sign: (at: number) => string) =>
    entries.length === 0
      ? []
      : ['', heading, ...entries.map((entry, at) => `${sign(at)} ${cleanText(entry)}`)];
  const dash = () => '  -';
  return `${[
    cleanText(title),
    `${cleanText(environment)} · ${cleanText(check)} · ${cleanText(remediationTarget(remediation))}`,
    `remediation ${id}, plan ${planHash ?? 'without a hash'}`,
    '',
    plan.impact === undefined ? RISK_LABELS[risk] : `${RISK_LABELS[risk]}: ${cleanText(plan.impact)}`,
    ...list(CANNOT_BE_UNDONE, plan.irreversible ?? [], dash),
    ...list(CHECKED_AGAIN, plan.safety ?? [], dash),
    ...list('Steps', plan.lines, (at) => `${String(at + 1).padStart(3)}.`),
    ...(plan.bytes === undefined
      ? []
      : ['', `Affects ${bytesInWords(plan.bytes)} (${plan.bytes.toLocaleString('en-US')} bytes).`]),
    ...list('Not in this plan', leftOutLines(plan), dash),
    ...list('Afterwards', plan.afterwards ?? [], dash),
    ...list(countInWords(plan.targets.length, 'target'), plan.targets, dash),
    ...list('Preconditions', [...preconditionLines(plan), ...partPreconditionLines(plan)], dash),
  ].join('\n')}\n`;
}
