import { z } from 'zod';

/** What an API answers to each call, by `GET /path`. Any other status than 200 is written as `{"status":404,"body":…}`. */
const calls = z.record(z.string(), z.unknown());

const replicaAnswer = z.object({
  /** `http://10.244.1.1:8080/diagnostics`. The same address twice: the first and the second answer. */
  url: z.string().regex(/^https?:\/\//, 'must be an address'),
  status: z.int().min(100).max(599).exactOptional(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  /** Instead of an answer: `ECONNREFUSED`, `timeout after 3000 ms`. */
  error: z.string().min(1).exactOptional(),
});

/** The form of the cases of builds: the objects of a cluster, the containers of hosts, and what each replica answers. */
export const buildCaseSchema = z
  .object({
    now: z.iso.datetime(),
    /** As typed in Slack: `/builds drift shop/api`. Words before the last one only say where it is: `/builds drift hosts quote`. */
    question: z.string().startsWith('/builds '),
    /** Where the expected build is, and what it is. */
    expected: z.object({ from: z.string(), value: z.string() }).nullable().default(null),
    kubernetes: calls.exactOptional(),
    /** By `HOST GET /path`. */
    docker: calls.exactOptional(),
    replicas: z.array(replicaAnswer).min(1),
  })
  .transform(({ now, question, expected, ...answers }) => {
    const [area = '', check = '', ...words] = question.slice(1).trim().split(/\s+/);
    const service = words.at(-1) ?? '';
    const isArgument = expected?.from === 'argument' || !answers.kubernetes;
    const expect = expected && isArgument ? ` --expect ${expected.value}` : '';
    return {
      now,
      check: `/${area} ${check} ${service}${expect}`,
      answers: [],
      builds: { ...answers, service, ...(expected && { expected }) },
    };
  });

/** The replicas of one service, and where they are. */
export type BuildCase = z.output<typeof buildCaseSchema>['builds'];
export type ReplicaAnswer = BuildCase['replicas'][number];
