import type { Rate } from '../../store/access/rate.ts';
import type { AccessRole } from '../../store/remediation/policy.ts';
import type { Workspace } from '../../store/access/workspace.ts';
import type { Log } from '../../telemetry/log.ts';
import type { UserDirectory } from './user-directory.ts';
import { checkAge } from './check-age.ts';
import { type AskFromRules, checkAskFrom, type AskFromScope, refuseUnknown } from './ask-from.ts';
import type { SlackDelivery } from './delivery.ts';
import { checkRate } from './check-rate.ts';
import type { Refusal } from './refusal.ts';
import { checkUserWorkspace, checkWorkspace, saysWhoIsInside } from './check-workspace.ts';
import { type IdentifiedDelivery, identify } from './identify.ts';

/** What the steps of the pipeline need. */
export interface Access {
  readonly workspace: Workspace;
  readonly directory: Pick<UserDirectory, 'authorize' | 'members' | 'lookUpGroups'>;
  readonly rules: AskFromRules;
  readonly rate: Rate;
  /** True for the first delivery; Slack may deliver the same thing several times. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  readonly log: Log;
}

/** What a delivery must fulfil before its handler runs. */
export interface Requirements {
  /** The roles of which the person needs one; `anyone` if none is needed. */
  readonly roles: readonly AccessRole[] | 'anyone';
  /** What the request is about, if `askFrom` rules apply. */
  readonly scope?: AskFromScope;
}

/** What a handler reads from a delivery before it does anything. */
export type Resolved<S> =
  | { readonly refusal: Refusal }
  | {
      readonly subject: S;
      readonly requires: Requirements;
      readonly about?: Omit<Refusal, 'rule' | 'because'>;
    }
  /**
   * A form must be filled in first. Its submission is a separate delivery that passes all steps. With `requires`, the form is opened only for
   * people who may submit it.
   */
  | {
      readonly form: () => Promise<void>;
      readonly requires?: Requirements;
      readonly about?: Omit<Refusal, 'rule' | 'because'>;
    };

declare const passed: unique symbol;

/** A delivery that passed every step, with its subject. Only this file creates one, and handlers accept nothing else. */
export interface Admitted<S> {
  readonly delivery: IdentifiedDelivery;
  readonly subject: S;
  readonly [passed]: true;
}

export type Admission<S> =
  | Decided<S>
  /** Needs a call to Slack, which may take longer than the acknowledgement can wait. */
  | { readonly kind: 'undecided'; readonly decide: () => Promise<Decided<S>> };

type Decided<S> =
  | { readonly kind: 'admitted'; readonly admitted: Admitted<S> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Delivered before; the first delivery was answered. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'form'; readonly open: () => Promise<void> };

/**
 * The steps that every delivery passes before its handler, in this order: who sent it, which workspace it is for, how old it is, whether it is a
 * repetition, how many commands the person sent, what it is about, whether `askFrom` allows it here, and the role. It awaits only Redis, for a
 * bounded time. If it needs a call to Slack, the result is `undecided`.
 * @throws if Redis is unreachable, so that a click cannot be checked for repetition or resolved.
 */
export async function admit<S>(
  access: Access,
  delivery: SlackDelivery,
  resolve: (delivery: IdentifiedDelivery) => Resolved<S> | Promise<Resolved<S>>,
): Promise<Admission<S>> {
  const identified = identify(delivery);
  if ('rule' in identified) return refused(identified);
  const wrong = checkWorkspace(identified, access.workspace) ?? checkAge(identified, Date.now());
  if (identified.kind !== 'command' && !(await access.isFirst(identified.triggerId)))
    return { kind: 'repeated' };
  const early = wrong ?? (await checkRate(identified, access.rate, access.log));
  if (early) return refused(early);
  const resolved = await resolve(identified);
  if ('refusal' in resolved) return refused(resolved.refusal);
  if ('form' in resolved) return decideForm(access, identified, resolved);
  return decide(access, identified, resolved);
}

async function decideForm<S>(
  access: Access,
  delivery: IdentifiedDelivery,
  { form: open, requires, about }: Extract<Resolved<S>, { form: unknown }>,
): Promise<Admission<S>> {
  const opened = { kind: 'form', open } as const;
  if (!requires) return opened;
  const resolved = { subject: undefined, requires, ...(about && { about }) };
  const decided = await decide<undefined>(access, delivery, resolved);
  if (decided.kind === 'undecided')
    return {
      kind: 'undecided',
      decide: async () => {
        const late = await decided.decide();
        return late.kind === 'admitted' ? opened : late;
      },
    };
  return decided.kind === 'admitted' ? opened : decided;
}

type ResolvedSubject<S> = Extract<Resolved<S>, { subject: S }>;

async function decide<S>(
  access: Access,
  delivery: IdentifiedDelivery,
  resolved: ResolvedSubject<S>,
): Promise<Admission<S>> {
  const { scope } = resolved.requires;
  const problem = scope && checkRules(access, delivery, scope);
  if (!problem) return checkRole(access, delivery, resolved);
  if ('rule' in problem) return refused({ ...problem, ...resolved.about });
  return {
    kind: 'undecided',
    decide: async () => {
      await access.directory.lookUpGroups(problem.lookUp);
      const again = checkRules(access, delivery, scope);
      if (!again) return checkRole(access, delivery, resolved);
      const refusal = 'rule' in again ? again : refuseUnknown(access.rules, scope, again.lookUp);
      return refused({ ...refusal, ...resolved.about });
    },
  };
}

function checkRules({ rules, directory }: Access, delivery: IdentifiedDelivery, scope: AskFromScope) {
  return checkAskFrom(rules, scope, delivery, directory.members);
}

async function checkRole<S>(
  { workspace, directory }: Access,
  delivery: IdentifiedDelivery,
  { subject, requires: { roles }, about }: ResolvedSubject<S>,
): Promise<Decided<S>> {
  // Slack delivers commands only from people of the workspace, but in a shared channel others can click too.
  const outsider =
    delivery.kind === 'command' && roles === 'anyone' ? undefined : checkUserWorkspace(delivery, workspace);
  if (outsider) return refused({ ...outsider, ...about });
  if (roles !== 'anyone' || !saysWhoIsInside(delivery, workspace)) {
    const may = await directory.authorize(roles, delivery.userId);
    if (may !== true) return refused({ rule: roles === 'anyone' ? 'who' : 'role', ...may, ...about });
  }
  return { kind: 'admitted', admitted: { delivery, subject } as Admitted<S> };
}

function refused(refusal: Refusal): { readonly kind: 'refused'; readonly refusal: Refusal } {
  return { kind: 'refused', refusal };
}
