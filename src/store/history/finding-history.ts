import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { type Finding, fingerprint } from '../../check/finding.ts';
import { findingIdOf } from '../../check/finding-id.ts';
import { loadLua } from '../../queue/load-lua.ts';
import { parseJson } from '../../text/parse-json.ts';
import { type RedisTime, toEpochMs } from '../read-clock.ts';
import {
  lastEvidenceMs,
  NO_HISTORY,
  type QuestionHistory,
  questionHistorySchema,
  trackedFindings,
  trackFindings,
  UNPROVEN_MS,
} from './track-findings.ts';
import type { FindingHistory, KnownFinding, Question } from './tracked-findings.ts';

/** The maximum number of questions with findings; the least recently run are removed first. */
const MAX_QUESTIONS = 1_000;
const MAX_ATTEMPTS = 200;
/** Histories that are read concurrently. */
const READ_AT_ONCE = 20;

const recordFindings = loadLua(new URL('./lua/record-findings.lua', import.meta.url), {
  keys: ['historyKey', 'questionsKey', '...findingKeys'],
  args: ['revision', 'history', 'question', 'ttlMs', 'maxQuestions'],
  returns: z.tuple([z.enum(['conflict', 'recorded'])], z.string()),
});

const questionSchema = z.strictObject({ check: z.string(), environment: z.string(), questionId: z.string() });

interface StoredQuestion {
  /** 0 if there is none. */
  readonly revision: number;
  readonly history: QuestionHistory;
  /** The time of Redis when it was read. */
  readonly nowMs: number;
}

/**
 * The findings of all questions, in Redis. A finding that is gone is kept for `retentionMs`; one that may still be there, for 60 days more, and so is
 * a question that isn't run anymore. At most {@link MAX_QUESTIONS} questions are kept, with at most 2,000 findings each. A thousand findings with a
 * month of levels take about 400 kB (`npm run bench -- history`). Data of another version that can't be read counts as no history.
 */
export function openFindingHistory(
  redis: Redis | Cluster,
  prefix: string,
  retentionMs: number,
): FindingHistory {
  const questionsKey = `${prefix}:findings`;
  const historyKey = (questionId: string) => `${questionsKey}:${questionId}`;
  const findingKey = (question: Question, finding: Pick<Finding, 'reason' | 'target'>) =>
    `${prefix}:finding:${idOf(question, finding)}`;
  const read = (question: Question) => readQuestion(redis, historyKey(question.questionId));
  const load: FindingHistory['load'] = async (question) => {
    const { history, nowMs } = await read(question);
    return trackedFindings(history, nowMs, retentionMs);
  };

  /** Removes the rest of a question that isn't kept. Leaves findings that another question has recorded since. */
  const remove = async (stored: string) => {
    const question = parseQuestion(stored);
    if (!question) return;
    const { history } = await read(question);
    await redis.unlink(historyKey(question.questionId));
    for (const finding of history.findings) {
      const key = findingKey(question, finding);
      if ((await redis.get(key)) === stored) await redis.unlink(key);
    }
  };

  return {
    load,
    record: async (asked, report) => {
      const question = onlyQuestion(asked);
      // Most runs find nothing, and have no history.
      if (report.findings.length === 0 && (await redis.exists(historyKey(question.questionId))) === 0)
        return [];
      const calledMs = performance.now();
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const { revision, history, nowMs } = await read(question);
        // By Redis' clock, because the clock of this worker may be wrong.
        const startedMs = Math.round(nowMs - (performance.now() - calledMs) - report.durationMs);
        const next = trackFindings(history, { report, startedMs, nowMs, retentionMs });
        const tracked = trackedFindings(next, nowMs, retentionMs);
        const isEmpty = revision === 0 && next.findings.length === 0;
        if (next === history || isEmpty) return tracked;
        const stored = JSON.stringify(question);
        const [outcome, ...dropped] = await recordFindings(redis, {
          historyKey: historyKey(question.questionId),
          questionsKey,
          findingKeys: next.findings
            .filter((finding) => finding.state !== 'unseen' && lastEvidenceMs(finding) === startedMs)
            .map((finding) => findingKey(question, finding)),
          revision,
          history: await encode(next),
          question: stored,
          ttlMs: retentionMs + UNPROVEN_MS,
          maxQuestions: MAX_QUESTIONS,
        });
        if (outcome === 'recorded') {
          for (const one of dropped) await remove(one);
          return tracked;
        }
        await sleep(Math.random() * 5 * Math.min(attempt, 10));
      }
      throw new Error(
        `the findings of ${question.check} changed ${MAX_ATTEMPTS} times while they were recorded`,
      );
    },
    find: async (findingId) => {
      const question = parseQuestion(await redis.get(`${prefix}:finding:${findingId}`));
      if (!question) return undefined;
      const finding = (await load(question)).find((one) => idOf(question, one) === findingId);
      const { check, environment } = question;
      return finding && { check, environment, finding };
    },
    list: async () => {
      const questions = (await redis.zrange(questionsKey, 0, '-1')).flatMap(
        (one) => parseQuestion(one) ?? [],
      );
      const latest = new Map<string, KnownFinding>();
      for (let at = 0; at < questions.length; at += READ_AT_ONCE)
        await Promise.all(
          questions.slice(at, at + READ_AT_ONCE).map(async (question) => {
            const { check, environment } = question;
            for (const finding of await load(question)) {
              const key = fingerprint(question, finding);
              const other = latest.get(key);
              if (!other || evidenceAt(other.finding) < evidenceAt(finding))
                latest.set(key, { check, environment, finding });
            }
          }),
        );
      return [...latest.values()].filter(({ finding }) => finding.state !== 'gone');
    },
  };
}

function idOf(question: Question, finding: Pick<Finding, 'reason' | 'target'>): string {
  return findingIdOf(fingerprint(question, finding));
}

/** ISO 8601 in UTC, so that it sorts as text. */
function evidenceAt({ goneAt, lastFound }: KnownFinding['finding']): string {
  return goneAt ?? lastFound;
}

/** The history of a question and the time, in one round trip to the node that has it. */
async function readQuestion(redis: Redis | Cluster, key: string): Promise<StoredQuestion> {
  const answers = await redis.pipeline().hmget(key, 'rev', 'history').time().exec();
  const [fields, time] = (answers ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  }) as [readonly (string | null)[], RedisTime];
  const [revision, history] = fields;
  return { revision: Number(revision ?? 0), history: await decode(history ?? ''), nowMs: toEpochMs(time) };
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Compressed, because findings of one check are similar. */
async function encode(history: QuestionHistory): Promise<string> {
  return (await deflate(JSON.stringify(history))).toString('base64');
}

async function decode(stored: string): Promise<QuestionHistory> {
  if (stored === '') return NO_HISTORY;
  try {
    const json = await inflate(Buffer.from(stored, 'base64'));
    const history = questionHistorySchema.safeParse(parseJson(json.toString()));
    return history.success ? history.data : NO_HISTORY;
  } catch {
    return NO_HISTORY;
  }
}

function onlyQuestion({ check, environment, questionId }: Question): Question {
  return { check, environment, questionId };
}

function parseQuestion(stored: string | null): Question | undefined {
  const parsed = questionSchema.safeParse(stored === null ? undefined : parseJson(stored));
  return parsed.success ? parsed.data : undefined;
}
