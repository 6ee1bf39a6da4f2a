import { ApiException } from '@kubernetes/client-node';

/** The status code and the `Status` with which a request fails. */
export async function failureOf(request: Promise<unknown>): Promise<{
  readonly code: number;
  readonly message: string;
  readonly status: Readonly<Record<string, unknown>>;
}> {
  const error = await request.then(
    () => new Error('the request did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiException)) throw error;
  // The client does not expose the body of a 401.
  const status = JSON.parse((error.body as string | undefined) ?? '{}') as Readonly<Record<string, unknown>>;
  const { message = '' } = status as { readonly message?: string };
  return { code: error.code, message, status };
}
