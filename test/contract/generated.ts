import { makeArtefacts } from '../../scripts/generate/artefacts.ts';
import { readText } from './tree.ts';

/** The content of a generated file, and the expected content. If they differ, run `npm run generate`. */
export async function generated(
  path: string,
): Promise<{ readonly is: string; readonly shouldBe: string | undefined }> {
  return { is: readText(path), shouldBe: (await makeArtefacts()).get(path) };
}
