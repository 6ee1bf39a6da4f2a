import { cleanText } from '../text/clean-text.ts';
import { bytes, withUnit } from '../text/wording.ts';
import type { Finding } from './finding.ts';
import { timeInWords } from './report-in-words.ts';
import type { TrackedFinding } from './tracked-finding.ts';

/** A piece of a sentence about a finding. Renderers show times in the reader's zone and people as mentions if their medium can. */
export type StatusPiece =
  /** Wrench's own text, with its spaces. */
  | { readonly kind: 'words'; readonly words: string }
  /** Text from a person or a check: untrusted. */
  | { readonly kind: 'typed'; readonly text: string }
  /** `words` names the zone. */
  | { readonly kind: 'time'; readonly iso: string; readonly words: string }
  | { readonly kind: 'person'; readonly id: string };

/** One fact, such as `since Tuesday 03:12 UTC`. */
export type StatusFact = readonly StatusPiece[];

/**
 * The status of a finding from earlier runs and from people, one fact each: since when it exists, how bad it was a day ago, whether it flaps, who is
 * on it, and who silenced it. Empty for a finding that a run has found for the first time. `isBrief`: without comments, reasons and levels.
 */
export function trackedFacts(
  tracked: TrackedFinding,
  {
    now,
    level,
    isBrief = false,
  }: { readonly now: Date; readonly level?: Finding['level']; readonly isBrief?: boolean },
): readonly StatusFact[] {
  const { since, lastFound, flappingSince, claim, silence } = tracked;
  const facts: StatusFact[] = [];
  // For a finding that the last run found for the first time, both are the time of that run.
  if (Date.parse(since) < Date.parse(lastFound)) facts.push([words('since '), time(since, now)]);
  if (!isBrief) facts.push(...levelBefore(tracked, { now, level }));
  if (flappingSince !== undefined) facts.push([words('flapping since '), time(flappingSince, now)]);
  if (claim) facts.push(claimFact(claim, now, isBrief));
  if (silence) facts.push(silenceFact(silence, now, isBrief));
  return facts;
}

/** `61% yesterday`, if its level is measured in the same unit now. */
export function levelBefore(
  { before }: TrackedFinding,
  { now, level }: { readonly now: Date; readonly level: Finding['level'] },
): readonly StatusFact[] {
  if (before === undefined || level?.unit !== before.unit) return [];
  return [[typed(levelInWords(before)), words(` ${dayBeforeInWords(before.at, now)}`)]];
}

/** `Ada has been on it since Tuesday 03:12 UTC: checking Vault` */
export function claimFact(
  { by, at, comment }: NonNullable<TrackedFinding['claim']>,
  now: Date,
  isBrief = false,
): StatusFact {
  const why = isBrief || comment === undefined ? [] : [words(': '), typed(comment)];
  return [person(by), words(' has been on it since '), time(at, now), ...why];
}

/** `silenced by Grace until Friday 12:00 UTC: rotates tonight` */
export function silenceFact(
  { by, until, because }: NonNullable<TrackedFinding['silence']>,
  now: Date,
  isBrief = false,
): StatusFact {
  const end = until === undefined ? [words("until it's gone")] : [words('until '), time(until, now)];
  const why = isBrief ? [] : [words(': '), typed(because)];
  return [words('silenced by '), person(by), words(' '), ...end, ...why];
}

/** A fact as plain text, with people by their ids. */
export function factInWords(fact: StatusFact): string {
  return fact
    .map((piece) => {
      if (piece.kind === 'person') return cleanText(piece.id);
      if (piece.kind === 'typed') return cleanText(piece.text);
      return piece.words;
    })
    .join('');
}

const DAY_MS = 86_400_000;
const MAX_UNIT_CHARS = 30;
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** `Tuesday 03:12 UTC` for a time within a week of `now`, otherwise the date. */
export function momentInWords(iso: string, now: Date): string {
  const at = Date.parse(iso);
  const days = Math.abs(at - now.getTime()) / DAY_MS;
  if (Number.isNaN(days) || days >= 7) return timeInWords(iso);
  const weekday = new Date(at).getUTCDay();
  // Six and a half days ago may be on the same weekday as today.
  if (weekday === now.getUTCDay() && days >= 1) return timeInWords(iso);
  return `${WEEKDAYS[weekday]} ${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** `61%`, `1.2 GB`, `3 days left` */
export function levelInWords({ value, unit }: NonNullable<Finding['level']>): string {
  if (unit === 'bytes') return bytes(value);
  const rounded = Number(value.toPrecision(3));
  const shown = Math.abs(rounded) < 1e15 ? rounded.toLocaleString('en-US') : String(rounded);
  return withUnit(shown, cleanText(unit).slice(0, MAX_UNIT_CHARS).toWellFormed());
}

function dayBeforeInWords(iso: string, now: Date): string {
  const hours = (now.getTime() - Date.parse(iso)) / 3_600_000;
  return hours >= 12 && hours < 36 ? 'yesterday' : `on ${momentInWords(iso, now)}`;
}

const words = (text: string): StatusPiece => ({ kind: 'words', words: text });
const typed = (text: string): StatusPiece => ({ kind: 'typed', text });
const person = (id: string): StatusPiece => ({ kind: 'person', id });
const time = (iso: string, now: Date): StatusPiece => ({ kind: 'time', iso, words: momentInWords(iso, now) });
