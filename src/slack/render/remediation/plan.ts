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
  codeSpan,
  plain,
  line,
  ordered,
  type RichTextPart,
  rich,
  text,
} from '../blocks.ts';
import { bytesInWords, remediationTarget } from './words.ts';
import { sentence } from '../sentence.ts';

/** Limits for a part of a plan and for each of its entries. */
interface PartLimits {
  readonly maxChars: number;
  readonly maxEntryChars: number;
}

interface PlanLimits {
  readonly lines: PartLimits;
  readonly targets: PartLimits;
}

interface WholePlanLimits extends PlanLimits {
  readonly safety: PartLimits;
  readonly precondition: PartLimits;
  readonly leftOut: PartLimits;
  readonly afterwards: PartLimits;
}

/** On the card that is approved. Together with the rest of the card, this stays below Slack's limit for a message. */
const WHOLE_PLAN: WholePlanLimits = {
  lines: { maxChars: 3_600, maxEntryChars: 700 },
  targets: { maxChars: 1_000, maxEntryChars: 300 },
  safety: { maxChars: 600, maxEntryChars: 300 },
  precondition: { maxChars: 700, maxEntryChars: 300 },
  leftOut: { maxChars: 600, maxEntryChars: 300 },
  afterwards: { maxChars: 800, maxEntryChars: 400 },
};
/** A plan with more lines is shown as examples; the attached file has all lines. */
const MAX_LISTED_LINES = 50;
/** How many examples. */
const EXAMPLE_LINES = 10;
/** On later cards, where the completed steps matter more. */
const BRIEF_PLAN: PlanLimits = {
  lines: { maxChars: 1_200, maxEntryChars: 300 },
  targets: { maxChars: 400, maxEntryChars: 150 },
};

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

/** What the approver approves. If it doesn't fit, the card says so and {@link planFile} has the whole plan. */
export function wholePlanBlocks(remediation: RemediationRecord, plan: Plan): Blocks {
  const { filename } = planFile(remediation) ?? {};
  const groups = [
    [...planParts(WHOLE_PLAN, plan, 'Plan'), ...affectedBytesPart(plan)],
    safetyParts(plan),
    preconditionParts(plan),
    filename === undefined
      ? []
      : [
          line(
            bold(
              `This isn't the whole plan. The attached ${filename} has the rest: read it before you approve.`,
            ),
          ),
        ],
    leftOutParts(plan),
    afterwardsParts(plan),
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

/** What to know before approving. */
function safetyParts(plan: Plan): readonly RichTextPart[] {
  const { safety = [] } = plan;
  if (safety.length === 0) return [];
  const cut = fitEntries(WHOLE_PLAN.safety, safety);
  const items = cut.shown.map((one) =>
    line(...sentence(one, { max: WHOLE_PLAN.safety.maxEntryChars, names: plan.targets })),
  );
  return [line(bold('Before you approve')), bullets([...items, ...more(cut)])];
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

function affectedBytesPart({ bytes }: Plan): readonly RichTextPart[] {
  return bytes === undefined
    ? []
    : [line(text('Affects'), plain(' '), bold(bytesInWords(bytes)), plain('.'))];
}

function preconditionParts(plan: Plan): readonly RichTextPart[] {
  if (plan.parts)
    return [
      line(plain("Each step is checked again right before it's applied, and skipped if it has changed.")),
    ];
  const conditions = fitEntries(WHOLE_PLAN.precondition, preconditionLines(plan));
  if (conditions.shown.length === 0) return [];
  const items = conditions.shown.map((one) => line(text(one, WHOLE_PLAN.precondition.maxEntryChars)));
  return [line(bold('Preconditions')), bullets([...items, ...more(conditions)])];
}

/** The plan in brief, once it no longer needs approval. */
export function briefPlanParts(plan: Plan, title: string): readonly RichTextPart[] {
  return planParts(BRIEF_PLAN, plan, title);
}

function planParts(limits: PlanLimits, plan: Plan, title: string): readonly RichTextPart[] {
  const lines = fitLines(limits.lines, plan);
  const targets = fitEntries(limits.targets, targetsBesideParts(plan));
  const left = targets.left > 0 ? [plain(` and ${targets.left} more`)] : [];
  const spans = targets.shown.flatMap((target, at) => [
    ...(at > 0 ? [plain(', ')] : []),
    codeSpan(target, limits.targets.maxEntryChars),
  ]);
  return [
    ...linesHeading(title, plan),
    ordered([...lines.shown.map((one) => line(text(one, limits.lines.maxEntryChars))), ...more(lines)]),
    targetsLine(plan, [...spans, ...left]),
  ];
}

/** The lines of a plan for several targets name those. Other targets are listed, such as an authority that all of them use. */
function targetsBesideParts({ targets, parts = [] }: Plan): readonly string[] {
  const named = new Set(parts.map(({ target }) => target));
  return targets.filter((target) => !named.has(target));
}

function targetsLine(plan: Plan, spans: Parameters<typeof line>): RichTextPart {
  const count = countInWords(plan.targets.length, 'target');
  if (spans.length === 0) return line(plain(`${count}.`));
  return line(plain(plan.parts ? `${count}, including ` : `${count}: `), ...spans);
}

function more({ left }: FittedEntries): readonly ReturnType<typeof line>[] {
  return left > 0 ? [line({ ...text(`and ${left} more`), style: { italic: true } })] : [];
}

/** Manual steps; bold, because they are easily forgotten. */
export function afterwardsParts({ afterwards = [], targets }: Plan): readonly RichTextPart[] {
  if (afterwards.length === 0) return [];
  const cut = fitEntries(WHOLE_PLAN.afterwards, afterwards);
  const options = { max: WHOLE_PLAN.afterwards.maxEntryChars, isBold: true, names: targets };
  return [
    line(bold('Afterwards')),
    bullets([...cut.shown.map((one) => line(...sentence(one, options))), ...more(cut)]),
  ];
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
    fitLines(WHOLE_PLAN.lines, plan),
    fitEntries(WHOLE_PLAN.targets, targetsBesideParts(plan)),
    fitEntries(WHOLE_PLAN.safety, plan.safety ?? []),
    fitEntries(WHOLE_PLAN.precondition, preconditionLines(plan)),
    fitEntries(WHOLE_PLAN.leftOut, leftOutLines(plan)),
    fitEntries(WHOLE_PLAN.afterwards, plan.afterwards ?? []),
  ].some(({ isCut }) => isCut);
}

function planInText(remediation: RemediationRecord, plan: Plan): string {
  const { id, title, environment, check, planHash } = remediation;
  const list = (heading: string, entries: readonly string[], sign: (at: number) => string) =>
    entries.length === 0
      ? []
      : ['', heading, ...entries.map((entry, at) => `${sign(at)} ${cleanText(entry)}`)];
  const dash = () => '  -';
  return `${[
    cleanText(title),
    `${cleanText(environment)} · ${cleanText(check)} · ${cleanText(remediationTarget(remediation))}`,
    `remediation ${id}, plan ${planHash ?? 'without a hash'}`,
    ...list('Plan', plan.lines, (at) => `${String(at + 1).padStart(3)}.`),
    ...list(countInWords(plan.targets.length, 'target'), plan.targets, dash),
    ...(plan.bytes === undefined
      ? []
      : ['', `Affects ${bytesInWords(plan.bytes)} (${plan.bytes.toLocaleString('en-US')} bytes).`]),
    ...list('Before you approve', plan.safety ?? [], dash),
    ...list('Preconditions', [...preconditionLines(plan), ...partPreconditionLines(plan)], dash),
    ...list('Not in this plan', leftOutLines(plan), dash),
    ...list('Afterwards', plan.afterwards ?? [], dash),
  ].join('\n')}\n`;
}
