import { makeArtefacts } from '../../scripts/generate/artefacts.ts';
import { readText } from './tree.ts';

/** What a generated file says, and what it should say. Where they differ, `npm run generate` was not run. */
export async function generated(
  path: string,
): Promise<{ readonly is: string; readonly shouldBe: string | undefined }> {
  return { is: readText(path), shouldBe: (await makeArtefacts()).get(path) };
}
