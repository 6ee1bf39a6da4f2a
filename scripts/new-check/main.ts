/** `npm run new -- area/check`: creates a check from the template. */
import { fileURLToPath } from 'node:url';
import { newCheck, NewCheckError } from './new-check.ts';

const commands = fileURLToPath(new URL('../../commands', import.meta.url));

try {
  const { written, nextSteps } = newCheck(process.argv[2] ?? '', commands);
  const steps = nextSteps.map((step, index) => `  ${index + 1}. ${step}`);
  process.stdout.write([...written.map((path) => `commands/${path}`), '', 'Next:', ...steps, ''].join('\n'));
} catch (error) {
  if (!(error instanceof NewCheckError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 64;
}
