import type { Rate } from '../../store/access/rate.ts';
import type { RoleOf } from '../../store/remediation/policy.ts';
import type { Workspace } from '../../store/access/workspace.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Directory } from './directory.ts';
import { checkAge } from './age.ts';
import { type AskFromRules, judgeAskFrom, type Question, refuseUnknown } from './ask-from.ts';
import type { Delivery } from './delivery.ts';
import { checkRate } from './rate.ts';
import type { Refusal } from './refusal.ts';
import { checkHome, checkWorkspace } from './same-workspace.ts';
import { type Identified, identify } from './who.ts';

/** What the steps of the pipeline need. */
export interface Access {
  readonly workspace: Workspace;
  readonly directory: Pick<Directory, 'may' | 'members' | 'lookUpGroups'>;
  readonly rules: AskFromRules;
  readonly rate: Rate;
  /** True for the first delivery of a thing; Slack may deliver it several times. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  readonly log: Log;
}

/** What a delivery must meet before its handler runs. */
export interface Requirements {
  /** The roles of which the person needs one; `anyone` if none is needed. */
  readonly roles: readonly RoleOf[] | 'anyone';
  /** What is asked, if `askFrom` rules apply. */
  readonly question?: Question;
}

/** How a handler understands a delivery, before anything is done. */
export type Resolved<S> =
  | { readonly refusal: Refusal }
  | {
      readonly subject: S;
      readonly requires: Requirements;
      readonly about?: Omit<Refusal, 'rule' | 'because'>;
    }
  /** A form must be filled in first. Its submission is a delivery of its own and passes all steps. */
  | { readonly form: () => Promise<void> };

declare const passed: unique symbol;

/** A delivery that passed every step, with what it is about. Only this file creates one, and handlers accept nothing else. */
export interface Admitted<S> {
  readonly delivery: Identified;
  readonly subject: S;
  readonly [passed]: true;
}

export type Admission<S> =
  | { readonly kind: 'admitted'; readonly admitted: Admitted<S> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Delivered before, and answered then. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'form'; readonly open: () => Promise<void> }
  /** Slack must be asked first, which may take longer than the acknowledgement can wait. */
  | { readonly kind: 'undecided'; readonly decide: () => Promise<Admission<S>> };

/**
 * The steps that every delivery passes before its handler, in this order: who sent it, which workspace it is for, how old it is, whether it
 * is a repetition, how many commands the person sent, what it is about, whether `askFrom` allows it here, and the role.
 * A command awaits only Redis, for a bounded time. If Slack must be asked, the result is `undecided`.
 * @throws if Redis is unreachable, so that a click cannot be checked for repetition or resolved.
 */
export async function admit<S>(
  access: Access,
  delivery: Delivery,
  resolve: (delivery: Identified) => Resolved<S> | Promise<Resolved<S>>,
): Promise<Admission<S>> {
  const known = identify(delivery);
  if ('rule' in known) return refused(known);
  const wrong = checkWorkspace(known, access.workspace) ?? checkAge(known, Date.now());
  if (known.kind !== 'command' && !(await access.isFirst(known.triggerId))) return { kind: 'repeated' };
  const early = wrong ?? (await checkRate(known, access.rate, access.log));
  if (early) return refused(early);
  const resolved = await resolve(known);
  if ('refusal' in resolved) return refused(resolved.refusal);
  if ('form' in resolved) return { kind: 'form', open: resolved.form };
  return decide(access, known, resolved);
}

type Ready<S> = Extract<Resolved<S>, { subject: S }>;

async function decide<S>(access: Access, delivery: Identified, ready: Ready<S>): Promise<Admission<S>> {
  const { question } = ready.requires;
  const judged = question && judge(access, delivery, question);
  if (!judged) return checkRole(access, delivery, ready);
  if ('rule' in judged) return refused({ ...judged, ...ready.about });
  return {
    kind: 'undecided',
    decide: async () => {
      await access.directory.lookUpGroups(judged.lookUp);
      const again = judge(access, delivery, question);
      if (!again) return checkRole(access, delivery, ready);
      const refusal = 'rule' in again ? again : refuseUnknown(access.rules, question, again.lookUp);
      return refused({ ...refusal, ...ready.about });
    },
  };
}

function judge({ rules, directory }: Access, delivery: Identified, question: Question) {
  return judgeAskFrom(rules, question, delivery, directory.members);
}

async function checkRole<S>(
  { workspace, directory }: Access,
  delivery: Identified,
  { subject, requires: { roles }, about }: Ready<S>,
): Promise<Admission<S>> {
  if (roles !== 'anyone') {
    const outsider = checkHome(delivery, workspace);
    if (outsider) return refused({ ...outsider, ...about });
    const may = await directory.may(roles, delivery.userId);
    if (may !== true) return refused({ rule: 'role', because: may, ...about });
  }
  return { kind: 'admitted', admitted: { delivery, subject } as Admitted<S> };
}

function refused(refusal: Refusal): { readonly kind: 'refused'; readonly refusal: Refusal } {
  return { kind: 'refused', refusal };
}
