import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AclRow, aclRows, grantSets, nameOf, policyOf } from '../conformance/acl-rows.ts'
import { createNomadCaller, type NomadCaller } from '../helpers/nomad-caller.ts'
import { patienceMs, pluginID, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'

/** The stream has no end, so that asking for it would wait. */
const rows = aclRows.filter(({ path, nomad }) => nomad !== 'none' && !path.startsWith('/v1/event/stream'))

const fill = <Value>(value: Value): Value =>
  value === undefined
    ? value
    : JSON.parse(JSON.stringify(value).replaceAll('{p}', 'p-').replaceAll('{plugin}', pluginID))

/** The matrix of the ACL, which our own server is held to in test/conformance, is Nomad's, except where a row says why not. */
describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? 'the ACL matrix at a real Nomad' : `the ACL matrix (skipped: ${whySkipped})`,
  { timeout: patienceMs },
  () => {
    let agent: RealAgent
    let caller: NomadCaller
    const secrets = new Map<string, string>()
    beforeAll(async () => {
      agent = await startRealAgent({ acl: true })
      caller = createNomadCaller(agent.environment)
      for (const grants of grantSets) secrets.set(nameOf(grants), await tokenFor(grants))
    }, patienceMs)
    afterAll(async () => {
      await caller?.close()
      await agent?.close()
    }, patienceMs)

    async function tokenFor(grants: AclRow['needs'][number]): Promise<string> {
      const name = randomUUID()
      // Nomad takes no empty policy. Nothing of the matrix asks for a quota.
      const rules = JSON.stringify({ ...policyOf(grants), quota: { policy: 'read' } })
      await create(`/v1/acl/policy/${name}`, { Name: name, Rules: rules })
      const { SecretID } = await create('/v1/acl/token', { Type: 'client', Policies: [name] })
      return SecretID
    }
    async function create(path: string, body: object) {
      const { status, text } = await caller.call({ method: 'POST', path, body })
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    }
    const isLet = async ({ method, path, body }: AclRow, secret: string) => {
      const request = { method, path: fill(path), body: fill(body), headers: { 'x-nomad-token': secret } }
      const { status } = await caller.call(request)
      return status !== 403
    }

    it.each(rows.map((row) => [`${row.method} ${row.path}`, row] as const))('%s', async (_title, row) => {
      const needs = typeof row.nomad === 'object' ? row.nomad.needs : row.needs
      const expected = grantSets.filter((grants) =>
        needs.some((alternative) => alternative.every((grant) => grants.includes(grant))),
      )
      const seen: (typeof expected)[number][] = []
      for (const grants of grantSets) {
        if (await isLet(row, secrets.get(nameOf(grants)) ?? '')) seen.push(grants)
      }
      expect(seen.map(nameOf)).toEqual(expected.map(nameOf))
      // Some of what is for everybody Nomad answers without a look at the token.
      if (expected.length < grantSets.length) expect(await isLet(row, randomUUID())).toBe(false)
      // The token of the environment is the one of the bootstrap, which may do everything.
      expect(await isLet(row, agent.environment.NOMAD_TOKEN ?? '')).toBe(true)
    })
  },
)
