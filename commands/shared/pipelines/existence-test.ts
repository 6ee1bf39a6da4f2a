import type { AndOr, Command, CommandNode, CompoundList, PipelineNode, TestExpression } from 'unbash';

const UNARY = new Set(['-n', '-f', '-s', '-e', '-r', '-a']);

/** Whether a condition only asks if there is something to remove: `[ -n "$cid" ]`, `docker inspect web`. */
export function isExistenceTest(node: PipelineNode | AndOr | CommandNode | CompoundList): boolean {
  if (node.type === 'TestCommand') return isExistence(node.expression);
  if (node.type === 'Pipeline') {
    const [first, last] = [node.commands[0], node.commands.at(-1)];
    return (
      node.prefixes.length === 0 &&
      first?.type === 'Command' &&
      listsContainers(first) &&
      last?.type === 'Command' &&
      last.name?.text === 'grep'
    );
  }
  if (node.type !== 'Command') return false;
  if (listsContainers(node)) return true;
  const name = node.name?.text;
  if (!name || !/^(\[|test)$/.test(name)) return false;
  const words = node.suffix.flatMap((one) => (one.type === 'Word' && one.text !== ']' ? [one.text] : []));
  const [first = '', second = ''] = words;
  if (words.length === 1) return true;
  if (words.length === 2) return UNARY.has(first);
  return (
    words.length === 3 &&
    ((first === '!' && second === '-z') || (second === '!=' && /^(""|''|x|"x")$/.test(words[2]!)))
  );
}

function isExistence(expression: TestExpression): boolean {
  switch (expression.type) {
    case 'TestUnary':
      return UNARY.has(expression.operator);
    case 'TestNot':
      return expression.operand.type === 'TestUnary' && expression.operand.operator === '-z';
    case 'TestGroup':
      return isExistence(expression.expression);
    default:
      return false;
  }
}

const LISTS = new Set(['ps', 'inspect', 'ls', 'list', 'exists']);

function listsContainers({ name, suffix }: Command): boolean {
  if (!name || !/(^|\/)(docker|podman|nerdctl)$/.test(name.text)) return false;
  const [first, second] = suffix.flatMap((one) => (one.type === 'Word' ? [one.text] : []));
  return LISTS.has(first ?? '') || (first === 'container' && LISTS.has(second ?? ''));
}
