import type { IncomingMessage, ServerResponse } from 'node:http';

export async function readBody(request: IncomingMessage, limitBytes = 20_000_000): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Form, multipart or JSON, as plain values. web-api sends `blocks` and similar arguments as JSON inside a
 * form field.
 */
export async function readFields(
  request: IncomingMessage,
): Promise<{ fields: Record<string, unknown>; upload: Buffer | undefined }> {
  const body = await readBody(request);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) {
    return {
      fields: JSON.parse(body.toString('utf8') || '{}') as Record<string, unknown>,
      upload: undefined,
    };
  }
  if (!type.startsWith('multipart/form-data')) {
    return { fields: Object.fromEntries(new URLSearchParams(body.toString('utf8'))), upload: body };
  }
  // oxlint-disable-next-line typescript/no-deprecated -- deprecated for public servers
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  const fields: Record<string, unknown> = {};
  let upload: Buffer | undefined;
  for (const [name, value] of form) {
    if (typeof value === 'string') fields[name] = value;
    else upload = Buffer.from(await value.arrayBuffer());
  }
  return { fields, upload };
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}
