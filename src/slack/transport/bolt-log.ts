import type { App, LogLevel } from '@slack/bolt';
import type { Log } from '../../telemetry/log.ts';

type BoltLogger = NonNullable<ConstructorParameters<typeof App>[0]>['logger'];

/** Forwards Bolt's messages to our log, which redacts them. Bolt's debug level prints whole requests, so it stays at info. */
export function boltLogger(log: Log): NonNullable<BoltLogger> {
  return {
    debug: () => undefined,
    info: (...args) => log.debug({ event: 'bolt-info', bolt: joined(args) }, 'Message from Bolt'),
    warn: (...args) => log.warn({ event: 'bolt-warning', bolt: joined(args) }, 'Warning from Bolt'),
    error: (...args) => log.error({ event: 'bolt-error', bolt: joined(args) }, 'Error from Bolt'),
    setLevel: () => undefined,
    getLevel: () => 'info' as LogLevel,
    setName: () => undefined,
  };
}

function joined(args: readonly unknown[]): string {
  return args.map((arg) => (arg instanceof Error ? arg.message : String(arg))).join(' ');
}
