import type { HttpAnswer, Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';

/** Members of responses that are read. Others may contain secrets: metadata, user data and passwords of instances, details of bindings. */
const READ: ReadonlySet<string> = new Set(
  (
    'version versions id status min_version values ' +
    'roles name project catalog type endpoints interface region region_id url issued_at expires_at ' +
    'application_credential access_rules service method path ' +
    'servers servers_links server rel href user_id tenant_id created ' +
    'image OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:instance_name OS-EXT-STS:power_state ' +
    'services binary zone state disabled_reason forced_down updated_at image_type size ' +
    'networks networks_links mtu qinq provider:network_type provider:physical_network provider:segmentation_id ' +
    'ports ports_links mac_address network_id device_id device_owner binding:host_id fixed_ips ip_address ' +
    'agents agents_links agent_type host alive admin_state_up configurations dhcp_lease_duration ' +
    'error errors message detail title code max_version NeutronError forbidden itemNotFound badRequest computeFault'
  ).split(' '),
);

/** The name of a recorded login. Under its own name, `token`, all of it would count as secret. */
const RECORDED_LOGIN = 'login';
const TOKEN_HEADER = 'x-subject-token';

/**
 * A recorder that keeps only the parts of responses that Wrench reads. Of a login these are the lifetime, the roles and the catalogue: the token itself is
 * in a header, which is not recorded. A replay gets another one.
 */
export function withoutUnreadMembers(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: async (question, send) => fromRecorded(await recorder.http(question, send, toRecorded)),
  };
}

const toRecorded: Recordable = (body) => {
  const { token, ...rest } = asObject(readMembers(body, new Set(['token', ...READ])));
  if (token === undefined) return readMembers(body);
  return { ...rest, [RECORDED_LOGIN]: token };
};

/** Only a recording has a login under this name. */
function fromRecorded(answer: HttpAnswer): HttpAnswer {
  const { [RECORDED_LOGIN]: token } = asObject(parseJson(answer.text));
  if (token === undefined) return answer;
  return {
    ...answer,
    text: JSON.stringify({ token }),
    headers: { ...answer.headers, [TOKEN_HEADER]: 'recorded' },
  };
}

function readMembers(body: unknown, names = READ): unknown {
  if (Array.isArray(body)) return body.map((one: unknown) => readMembers(one));
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body as JsonObject).flatMap(([key, value]) =>
      names.has(key) ? [[key, readMembers(value)] as const] : [],
    ),
  );
}
