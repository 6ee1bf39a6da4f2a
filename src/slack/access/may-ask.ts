import { type AskFromRules, type AskFromScope, type Asker, checkAskFrom, refuseUnknown } from './ask-from.ts';
import type { Refusal } from './refusal.ts';
import type { UserDirectory } from './user-directory.ts';

export interface MayAskDeps {
  readonly rules: AskFromRules;
  readonly directory: Pick<UserDirectory, 'members' | 'lookUpGroups'>;
}

/** Whether somebody may ask about all of these here. Asks Slack for the members of groups that are unknown. @returns the first refusal. */
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
