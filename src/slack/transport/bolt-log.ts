import type { App, LogLevel } from '@slack/bolt';
import type { Log } from '../../telemetry/log.ts';

type BoltLogger = NonNullable<ConstructorParameters<typeof App>[0]>['logger'];

/** Forwards Bolt's messages to our log, which redacts them. Bolt's debug level prints whole requests, so it stays at info. */
export function boltLogger(log: Log): NonNullable<BoltLogger> {
  const say =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (...words: unknown[]): void =>
      log[level](
        { from: 'bolt' },
        words.map((word) => (word instanceof Error ? word.message : String(word))).join(' '),
      );
  return {
    debug: () => undefined,
    info: say('debug'),
    warn: say('warn'),
    error: say('error'),
    setLevel: () => undefined,
    getLevel: () => 'info' as LogLevel,
    setName: () => undefined,
  };
}
