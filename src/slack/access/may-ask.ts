import { type AskFromRules, type AskFromScope, type Asker, checkAskFrom, refuseUnknown } from './ask-from.ts';
import type { Refusal } from './refusal.ts';
import type { UserDirectory } from './user-directory.ts';

export interface MayAskDeps {
  readonly rules: AskFromRules;
  readonly directory: Pick<UserDirectory, 'members' | 'lookUpGroups'>;
}

/** Whether a person may run checks in all of these scopes here. Calls Slack for unknown members of groups. @returns the first refusal. */
export async function refuseToAsk(
  { rules, directory }: MayAskDeps,
  scopes: readonly AskFromScope[],
  asker: Asker,
): Promise<Refusal | undefined> {
  const check = (scope: AskFromScope) => checkAskFrom(rules, scope, asker, directory.members);
  const unknown = scopes
    .map(check)
    .flatMap((problem) => (problem && 'lookUp' in problem ? problem.lookUp : []));
  if (unknown.length > 0) await directory.lookUpGroups([...new Set(unknown)]);
  for (const scope of scopes) {
    const problem = check(scope);
    if (problem) return 'rule' in problem ? problem : refuseUnknown(rules, scope, problem.lookUp);
  }
  return undefined;
}
