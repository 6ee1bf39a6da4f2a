import type { App, LogLevel } from '@slack/bolt';
import type { Log } from '../../telemetry/log.ts';

type BoltLogger = NonNullable<ConstructorParameters<typeof App>[0]>['logger'];

/** Forwards Bolt's messages to our log, which redacts them. Bolt's debug level prints whole requests, so it stays at info. */
export function boltLogger(log: Log): NonNullable<BoltLogger> {
  const forward =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (...args: unknown[]): void =>
      log[level](
        { from: 'bolt' },
        args.map((arg) => (arg instanceof Error ? arg.message : String(arg))).join(' '),
      );
  return {
    debug: () => undefined,
    info: forward('debug'),
    warn: forward('warn'),
    error: forward('error'),
    setLevel: () => undefined,
    getLevel: () => 'info' as LogLevel,
    setName: () => undefined,
  };
}
