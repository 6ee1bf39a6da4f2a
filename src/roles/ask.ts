import { loadCatalogue } from '../catalogue.ts';
import { makeRedact } from '../check/redact.ts';
import { runCheck } from '../check/run-check.ts';
import type { Report } from '../check/finding.ts';
import { type Config, readConfig, readEnvironment } from '../config.ts';
import { type Question, understandAll } from '../question.ts';
import { renderHelpTerminal, renderProblemTerminal, renderTerminal } from '../terminal/render.ts';
import { closeEnvironments, openEnvironments } from './sources.ts';

/** How a shell learns the answer. 64 is `EX_USAGE` of sysexits.h. */
export const EXIT = { clear: 0, found: 1, unknown: 2, usage: 64 } as const;

export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly color: boolean;
  readonly columns: number;
}

/** Asks one question from a terminal, without Slack and without Redis. `--json` prints the report and nothing else. */
export async function askInTerminal(
  words: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const json = words.includes('--json');
  const settings = readEnvironment();
  const { checks, commands } = await loadCatalogue();
  const config = readConfig(settings.configPath, undefined, { checks });
  const text = words
    .filter((word) => word !== '--json')
    .map(quote)
    .join(' ');
  const environments = Object.keys(config.environments);
  const question = understandAll(text, {
    catalogue: { checks, commands },
    environments,
    defaults: config.checks,
  });
  if (question.kind === 'help') {
    terminal.out(renderHelpTerminal(question.help));
    return EXIT.clear;
  }
  if (question.kind === 'problem') return refuse(question, terminal);
  const environment = question.environment ?? config.defaultEnvironment;
  const check = checks.get(question.check);
  if (environment === undefined || !check)
    return refuse(
      { problem: `Say which environment: --env with one of ${environments.join(', ')}.`, usage: [] },
      terminal,
    );
  const report = await look(question, environment, config, settings.secrets, check, signal);
  terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : renderTerminal(report, terminal));
  return EXIT[report.status];
}

async function look(
  { check: name, args }: Extract<Question, { kind: 'run' }>,
  environment: string,
  config: Config,
  secrets: readonly string[],
  check: Parameters<typeof runCheck>[0],
  signal: AbortSignal,
): Promise<Report> {
  const asked = config.environments[environment];
  const environments = await openEnvironments(asked ? { [environment]: asked } : {});
  try {
    return await runCheck(check, {
      check: name,
      environment,
      args,
      read: environments.get(environment)?.readers ?? {},
      now: new Date(),
      signal,
      deadlineMs: config.limits.checkSeconds * 1_000,
      redact: makeRedact([...secrets, ...config.secrets]),
    });
  } finally {
    await closeEnvironments(environments);
  }
}

function refuse(
  problem: Pick<Extract<Question, { kind: 'problem' }>, 'problem' | 'usage'>,
  terminal: Terminal,
): number {
  terminal.error(renderProblemTerminal(problem));
  return EXIT.usage;
}

/** A shell has taken the quotes away; a word with spaces in it is one word all the same. */
function quote(word: string): string {
  if (!/[\s"']/.test(word)) return word;
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}
