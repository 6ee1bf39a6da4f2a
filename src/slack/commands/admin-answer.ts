import type { AuditLog } from '../../store/audit/audit-log.ts';
import type { Queues } from '../../queue/queues.ts';
import type { DigestDefinition } from '../../store/digests/digest-state.ts';
import type { DigestStore } from '../../store/digests/open-digests.ts';
import type { Refusals } from '../../store/audit/refusals.ts';
import type { Freeze } from '../../store/remediation/freeze.ts';
import type { AccessRole } from '../../store/remediation/policy.ts';
import type { AdminCommandName } from '../../request/parse.ts';
import type { Log } from '../../telemetry/log.ts';
import type { MayAskDeps } from '../access/may-ask.ts';
import type { Refusal } from '../access/refusal.ts';
import type { UserDirectory } from '../access/user-directory.ts';
import type { FindingDeps } from '../findings/finding-changes.ts';
import { renderProblem } from '../render/replies/help.ts';
import type { Message } from '../render/message.ts';

/** Dependencies of `/wrench digest`. */
export interface DigestCommandDeps {
  readonly definitions: readonly DigestDefinition[];
  readonly store: Pick<DigestStore, 'read' | 'lastRun'>;
  readonly enqueueStart: Queues['enqueueDigestStart'];
}

/** Dependencies of the commands of `/wrench` itself. */
export interface AdminCommandDeps extends MayAskDeps {
  readonly directory: Pick<UserDirectory, 'authorize' | 'members' | 'lookUpGroups'>;
  readonly freeze: Freeze;
  readonly audit: AuditLog;
  readonly refusals: Pick<Refusals, 'auditRefusal'>;
  readonly findings: FindingDeps;
  readonly digests: DigestCommandDeps;
  /** The names of all checks: `certs/expiring`. */
  readonly checks: readonly string[];
  /** True the first time it is called for a delivery. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  /** Milliseconds since the epoch, by the clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

export interface AdminAnswer {
  readonly message: Message;
  /** Visible to everyone in the channel; otherwise only to the person who typed the command. */
  readonly inChannel?: boolean;
  readonly outcome: 'done' | 'refused' | 'help' | 'problem' | 'redis-down';
}

export interface AdminCommandSender {
  readonly userId: string;
  readonly teamId?: string;
  readonly channelId?: string;
  /** Identifies the delivery: Slack may deliver a command several times. */
  readonly deliveryId: string;
}

export interface AdminRequest {
  readonly name: AdminCommandName;
  /** The name or alias that was typed, for messages and the audit. */
  readonly typed: string;
  readonly rest: string;
  readonly sender: AdminCommandSender;
  readonly nowMs: number;
  /** Aborted once the person got an answer without the result: nothing may be changed after that. */
  readonly late: AbortSignal;
}

/** One command of `/wrench` itself. */
export interface AdminCommand {
  /** The roles of which the person needs one; `anyone` if none is needed. */
  readonly roles: readonly AccessRole[] | 'anyone';
  /** Whether it changes something: a repeated delivery is then not run again. */
  readonly changes: boolean;
  /** Runs it, or returns why it is refused. */
  readonly run: (deps: AdminCommandDeps, request: AdminRequest) => Promise<AdminAnswer | Refusal>;
  /** The answer to a repeated delivery, if it differs from the usual one. */
  readonly repeat?: (deps: AdminCommandDeps) => Promise<AdminAnswer | undefined>;
}

/** The problem with a command, with its usage. */
export function adminProblem(problem: string, ...usage: readonly string[]): AdminAnswer {
  return { message: renderProblem({ problem, usage }), outcome: 'problem' };
}
