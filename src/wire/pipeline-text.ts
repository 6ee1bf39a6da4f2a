/** A file as text, or why it is none. */
export type PipelineText = { readonly content: string } | { readonly error: string };

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** Decodes UTF-8 without its byte order mark. Line ends stay. */
export function decodePipeline(bytes: Uint8Array): PipelineText {
  if (bytes.includes(0)) return { error: 'is not text' };
  let content: string;
  try {
    content = UTF_8.decode(bytes);
  } catch {
    return { error: 'is not UTF-8' };
  }
  if (content.startsWith(LFS_POINTER))
    return { error: 'is in Git LFS, and only its pointer is in the repository' };
  return { content };
}

/** Whether a file begins with a byte order mark, which {@link decodePipeline} removes. */
export function hasByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** `is larger than 2 MiB` */
export function tooLarge(maxBytes: number): string {
  const kib = maxBytes / 1024;
  return `is larger than ${kib % 1024 === 0 ? `${kib / 1024} MiB` : `${kib} KiB`}`;
}
