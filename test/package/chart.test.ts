import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { toTemplate } from '../../scripts/lib/chart/generate-chart.ts'
import { readDocumentedValues } from '../../scripts/lib/chart/values-table.ts'
import { kubernetesTools } from '../../scripts/lib/kubernetes-tools.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

interface KubernetesManifest {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly rules?: readonly {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly resourceNames?: readonly string[]
    readonly verbs: readonly string[]
  }[]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into manifests and fail where these are not so
  readonly spec?: any
}

function run(command: 'helm' | 'kubectl', parameters: readonly string[]) {
  return new Promise<{ failed: boolean; said: string; stdout: string }>((resolve) => {
    execFile(
      kubernetesTools()[command],
      parameters,
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => resolve({ failed: error !== null, said: stdout + stderr, stdout }),
    )
  })
}

/** What `helm template` does with values, beside the one that is required. */
async function template(values: object = {}): Promise<{ failed: boolean; said: string; text: string }> {
  const file = join(temporaryDirectory(), 'values.json')
  writeFileSync(file, JSON.stringify({ image: { repository: 'registry.example/mooring' }, ...values }))
  const parameters = ['template', 'm', 'charts/mooring', '--namespace', 'own', '--values', file]
  const { stdout, ...rest } = await run('helm', parameters)
  return { ...rest, text: stdout }
}

async function manifests(values: object = {}): Promise<KubernetesManifest[]> {
  const { failed, said, text } = await template(values)
  expect(failed, said).toBe(false)
  return loadAll(text).filter((document) => document !== null) as KubernetesManifest[]
}

/** `{a: {b: 1}}` of `a.b`. */
const nest = (path: string, value: unknown): Record<string, unknown> =>
  path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>

function merge(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => {
      const [left, right] = [a[key], b[key]]
      return [key, isMap(left) && isMap(right) ? merge(left, right) : (right ?? left)]
    }),
  )
}

/** For each value: another one than the default, and what then stands in the manifests. */
const given: readonly [string, unknown, RegExp][] = [
  ['fullnameOverride', 'other', /kind: Deployment\nmetadata:\n {2}name: other\n/],
  ['nameOverride', 'named', /app\.kubernetes\.io\/name: named\n/],
  ['instance', 'blue', /resourceNames: \["mooring-blue"\][\s\S]*"--instance=blue"/],
  ['commonLabels', { team: 'storage' }, /^ {4}team: storage$/m],
  ['image.repository', 'registry.example/m', /image: "registry\.example\/m:/],
  ['image.tag', '9.9', /image: "registry\.example\/m:9\.9"/],
  ['image.pullPolicy', 'Always', /imagePullPolicy: Always/],
  ['imagePullSecrets', [{ name: 'pull' }], /imagePullSecrets:\n +- name: pull/],
  ['nomad.address', 'https://nomad:4646', /name: NOMAD_ADDR\n +value: "https:\/\/nomad:4646"/],
  ['nomad.region', 'eu', /name: NOMAD_REGION\n +value: "eu"/],
  ['nomad.existingSecret', 'nomad-env', /envFrom:\n +- secretRef:\n +name: nomad-env/],
  ['nomad.tls.secretName', 'nomad-tls-secret', /NOMAD_CACERT[\s\S]*secretName: nomad-tls-secret/],
  ['nomad.tls.clientCertificate', true, /NOMAD_CLIENT_CERT\n[\s\S]*NOMAD_CLIENT_KEY/],
  ['nomad.tls.serverName', 'server.eu.nomad', /NOMAD_TLS_SERVER_NAME\n +value: "server\.eu\.nomad"/],
  ['watchNamespaces', ['team-a'], /"--kubernetes-namespace=team-a"/],
  [
    'namespaceMapping',
    { 'team-a': ['apps', 'batch'], '*': [] },
    /"--namespace-mapping=\*="\n.*=team-a=apps,batch"/,
  ],
  [
    'allowExternalIDs',
    { 'team-b': ['ebs0/vol-b-*', 'nfs/*'] },
    /"--allow-external-ids=team-b=ebs0\/vol-b-\*,nfs\/\*"/,
  ],
  [
    'secretAccess',
    [{ namespace: 'team-b', names: ['db'] }],
    /namespace: team-b\n[\s\S]*resourceNames: \["db"\]/,
  ],
  ['clusterSecrets', ['nomad-east'], /resourceNames: \["nomad-east"\]/],
  ['readOnly', true, /- --read-only/],
  ['logLevel', 'debug', /"--log-level=debug"/],
  ['extraArgs', ['--max-prune', '3'], /- "--max-prune"\n +- "3"/],
  ['notify.url', 'https://hooks.example/x', /"--notify-url=https:\/\/hooks\.example\/x"/],
  ['extraVolumes', [{ name: 'own', emptyDir: {} }], /- emptyDir: {}\n +name: own\n/],
  ['extraVolumeMounts', [{ name: 'own', mountPath: '/own' }], /- mountPath: \/own\n +name: own\n/],
  ['strategy', { type: 'Recreate', rollingUpdate: null }, /strategy:\n +type: Recreate\n/],
  ['podSecurityContext', { fsGroupChangePolicy: 'OnRootMismatch' }, /fsGroupChangePolicy: OnRootMismatch/],
  ['securityContext', { runAsUser: 1000 }, /^ +runAsUser: 1000$/m],
  ['livenessProbe', { periodSeconds: 77 }, /livenessProbe:\n[^#]*periodSeconds: 77\n/],
  ['readinessProbe', { periodSeconds: 78 }, /readinessProbe:\n[^#]*periodSeconds: 78\n/],
  ['topologySpreadConstraints', [{ topologyKey: 'zone' }], /Constraints:\n +- topologyKey: zone\n/],
  [
    'hostAliases',
    [{ ip: '10.0.0.1', hostnames: ['nomad'] }],
    /hostAliases:\n +- hostnames:\n +- nomad\n +ip: 10\.0\.0\.1/,
  ],
  ['dnsPolicy', 'Default', /dnsPolicy: Default/],
  ['dnsConfig', { nameservers: ['10.0.0.2'] }, /dnsConfig:\n +nameservers:\n +- 10\.0\.0\.2/],
  ['extraEnv', [{ name: 'A', value: 'b' }], /- name: A\n +value: b/],
  ['replicaCount', 3, /replicas: 3/],
  ['terminationGracePeriodSeconds', 90, /terminationGracePeriodSeconds: 90/],
  ['resources', { limits: { memory: '1Gi' } }, /memory: 1Gi/],
  ['podAnnotations', { a: 'pod' }, /annotations:\n +a: pod/],
  ['podLabels', { b: 'pod' }, /^ {8}b: pod/m],
  ['nodeSelector', { disk: 'ssd' }, /nodeSelector:\n +disk: ssd/],
  ['tolerations', [{ operator: 'Exists' }], /tolerations:\n +- operator: Exists/],
  ['affinity', { nodeAffinity: {} }, /affinity:\n +nodeAffinity: {}/],
  ['priorityClassName', 'high', /priorityClassName: high/],
  ['serviceAccount.name', 'robot', /kind: ServiceAccount\nmetadata:\n {2}name: robot/],
  ['serviceAccount.annotations', { role: 'r' }, /annotations:\n +role: r/],
  ['metrics.port', 9999, /containerPort: 9999/],
  ['serviceMonitor.enabled', true, /kind: ServiceMonitor/],
  ['serviceMonitor.interval', '15s', /interval: 15s/],
  ['serviceMonitor.scrapeTimeout', '7s', /scrapeTimeout: 7s/],
  ['serviceMonitor.namespace', 'monitoring', /namespace: monitoring\n[\s\S]*matchNames: \["own"\]/],
  ['serviceMonitor.relabelings', [{ action: 'keep' }], / relabelings:\n +- action: keep/],
  ['serviceMonitor.metricRelabelings', [{ action: 'drop' }], /metricRelabelings:\n +- action: drop/],
  ['serviceMonitor.labels', { release: 'prom' }, /release: prom/],
  ['ui.enabled', true, /kind: Service\nmetadata:\n {2}name: other-ui\n[\s\S]*"--http-ui=0\.0\.0\.0:/],
  ['ui.port', 4681, /"--ui-advertise=\$\(POD_IP\):4681"[\s\S]*name: ui\n +containerPort: 4681/],
  ['ui.existingSecret', 'ui-tokens-secret', /--ui-token-file=\/etc\/[\s\S]*secretName: ui-tokens-secret/],
  ['ui.hosts', ['m.example'], /"--allowed-host=m\.example"[\s\S]*- host: "m\.example"/],
  ['ui.proxy.userHeader', 'x-user', /"--ui-proxy-user-header=x-user"/],
  ['ui.proxy.trusted', ['10.0.0.0/8'], /"--ui-trusted-proxy=10\.0\.0\.0\/8"/],
  ['ui.proxy.operators', ['olaf', 'vera'], /"--ui-proxy-operators=olaf,vera"/],
  ['ui.service.type', 'NodePort', /type: NodePort/],
  ['ui.service.port', 8080, /port: 8080\n +targetPort: ui/],
  ['ui.service.annotations', { s: 'service' }, /annotations:\n +s: service/],
  ['ui.ingress.enabled', true, /kind: Ingress\n/],
  ['ui.ingress.className', 'nginx', /ingressClassName: nginx/],
  ['ui.ingress.annotations', { i: 'ingress' }, /annotations:\n +i: ingress/],
  ['ui.ingress.tlsSecretName', 'ui-cert', /tls:\n +- secretName: ui-cert\n +hosts:\n +- m\.example/],
  ['ui.httpRoute.enabled', true, /kind: HTTPRoute\n[\s\S]*hostnames:\n +- m\.example/],
  ['ui.httpRoute.parentRefs', [{ name: 'gate' }], /parentRefs:\n +- name: gate/],
  ['ui.httpRoute.annotations', { r: 'route' }, /annotations:\n +r: route/],
  [
    'networkPolicy.uiFrom',
    [{ namespaceSelector: {} }],
    /port: ui\n[\s\S]*from:[\s\S]*- namespaceSelector: {}/,
  ],
  ['podDisruptionBudget.minAvailable', '60%', /minAvailable: 60%/],
  ['networkPolicy.enabled', true, /kind: NetworkPolicy/],
  ['networkPolicy.metricsFrom', [{ podSelector: {} }], /from:\n +- podSelector: {}/],
  ['networkPolicy.egress', [{ ports: [{ port: 443 }] }], /egress:\n +- ports:\n +- port: 443/],
]

/** Values that take something away, or exclude another: what is there by default, and then no more. */
const taken: readonly [string, unknown, RegExp][] = [
  ['crds.install', false, /kind: CustomResourceDefinition/],
  ['crds.keep', false, /helm\.sh\/resource-policy: keep/],
  ['image.digest', `sha256:${'0'.repeat(64)}`, /image: "registry\.example\/mooring:/],
  ['deployment.enabled', false, /kind: Deployment/],
  ['serviceAccount.create', false, /kind: ServiceAccount\nmetadata/],
  ['rbac.create', false, /kind: (?:Cluster)?Role/],
  ['rbac.aggregate', false, /aggregate-to-view/],
  ['metrics.service.enabled', false, /kind: Service\n/],
  ['ui.readOnly', false, /- --ui-read-only/],
  ['podDisruptionBudget.enabled', false, /kind: PodDisruptionBudget/],
  ['podDisruptionBudget.maxUnavailable', '50%', /maxUnavailable: 1$/m],
]

/** What else is needed for a switch that is off by default to show that it takes something away. */
const besides: Readonly<Record<string, object>> = {
  'ui.readOnly': { ui: { enabled: true, existingSecret: 'tokens' } },
}

/** What manifests/monitoring holds is not this chart's to say: their test is below. */
const ofMonitoring = ['alertRules.enabled', 'alertRules.labels', 'dashboard.enabled', 'dashboard.labels']

describe('the Helm chart', () => {
  it('passes helm lint --strict', async () => {
    const { failed, said } = await run('helm', ['lint', '--strict', 'charts/mooring'])
    expect(failed, said).toBe(false)
  })

  it('asks for the image, and says where that is explained', async () => {
    const { failed, said } = await template({ image: {} })
    expect(failed).toBe(true)
    expect(said).toContain("build and push the image as the chart's README says")
  })

  it('refuses values that it does not know', async () => {
    const { failed, said } = await template({ replicas: 2 })
    expect(failed).toBe(true)
    expect(said).toContain("additional properties 'replicas' not allowed")
  })

  it('refuses a client certificate without the Secret that holds it', async () => {
    const { failed, said } = await template({ nomad: { tls: { clientCertificate: true } } })
    expect(failed).toBe(true)
    expect(said).toContain('nomad.tls.clientCertificate needs nomad.tls.secretName')
  })

  it('serves no dashboard that nobody may use, and no Ingress without a name', async () => {
    const nobody = await template({ ui: { enabled: true } })
    expect([nobody.failed, nobody.said]).toEqual([
      true,
      expect.stringContaining('ui.enabled needs ui.existingSecret'),
    ])
    const nameless = await template({
      ui: { enabled: true, existingSecret: 't', ingress: { enabled: true } },
    })
    expect([nameless.failed, nameless.said]).toEqual([true, expect.stringContaining('needs ui.hosts')])
  })

  it('takes a number where --set makes one of a text', async () => {
    const { failed, said, text } = await template({
      image: { repository: 'registry.example/mooring', tag: 9 },
      extraArgs: ['--max-prune', 1000000],
    })
    expect(failed, said).toBe(false)
    expect(text).toContain('image: "registry.example/mooring:9"')
    expect(text).toContain('- "1000000"')
  })

  it('leaves the user to the cluster where the values say so, as OpenShift wants it', async () => {
    const user = { runAsUser: null, runAsGroup: null, fsGroup: null }
    const { text } = await template({ podSecurityContext: user })
    expect(text).toMatch(/runAsNonRoot: true/)
    expect(text).not.toMatch(/65532/)
  })

  it('does with each value what the table says', async () => {
    const all = given.reduce((values, [path, value]) => merge(values, nest(path, value)), {})
    const { failed, said, text } = await template(all)
    expect(failed, said).toBe(false)
    for (const [path, , pattern] of given) expect(text, path).toMatch(pattern)
    const { text: byDefault } = await template()
    for (const [path, , pattern] of given) expect(byDefault, path).not.toMatch(pattern)
  })

  it('leaves out what is switched off', async () => {
    const image = { image: { repository: 'registry.example/mooring' } }
    const rendered = await Promise.all(
      taken.map(async ([path, value]) => {
        const before = merge(image, { ...besides[path] })
        return {
          ...(await template(merge(before, nest(path, value)))),
          byDefault: (await template(before)).text,
        }
      }),
    )
    for (const [index, [path, , pattern]] of taken.entries()) {
      const { failed, said, text, byDefault } = rendered[index] ?? expect.fail()
      expect(failed, said).toBe(false)
      expect(byDefault, path).toMatch(pattern)
      expect(text, path).not.toMatch(pattern)
    }
  })

  it('has a row here for every documented value, and documents every value', () => {
    const documented = readDocumentedValues(readFileSync('charts/mooring/values.yaml', 'utf8'))
    const rows = [...given, ...taken].map(([path]) => path)
    expect([...rows, ...ofMonitoring].sort()).toEqual(documented.map(({ path }) => path).sort())
  })

  it('is not generated with a value that nobody explains', () => {
    expect(() => readDocumentedValues('# -- Explained.\na: {}\nb:\n  c: 1\n')).toThrow(
      'the value b.c has no comment',
    )
  })

  it('carries the dashboards and alert rules that there are', async () => {
    const switches = {
      dashboard: { enabled: true, labels: { d: 'e' } },
      alertRules: { enabled: true, labels: { f: 'g' } },
    }
    const made = (await manifests(switches)).filter(
      ({ metadata }) => metadata.labels?.d || metadata.labels?.f,
    )
    for (const { kind, spec } of made) {
      expect(['ConfigMap', 'PrometheusRule']).toContain(kind)
      if (kind === 'PrometheusRule') expect(spec).toHaveProperty('groups')
    }
  })

  it('runs as nobody in particular, on a root that it cannot write', async () => {
    const deployment = (await manifests()).find(({ kind }) => kind === 'Deployment')
    const pod = deployment?.spec.template.spec
    expect(deployment?.spec).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
    })
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod.containers).toHaveLength(1)
    expect(pod.containers[0]).toMatchObject({
      args: expect.arrayContaining(['run', '--kubernetes', '--instance=m']),
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        privileged: false,
        capabilities: { drop: ['ALL'] },
      },
      livenessProbe: { httpGet: { path: '/healthz', port: 'metrics' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' } },
    })
    expect(pod.volumes).toEqual([
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ])
  })

  it('gives `mooring run` no argument and no variable that it does not know', async () => {
    const all = given
      .filter(([path]) => !path.startsWith('extra'))
      .reduce((values, [path, value]) => merge(values, nest(path, value)), {})
    const kubectl = await run('kubectl', ['kustomize', 'manifests/kubernetes'])
    const containers = [
      ...(await manifests(all)),
      ...(await manifests()),
      ...(loadAll(kubectl.stdout) as KubernetesManifest[]),
    ].flatMap(({ kind, spec }) => (kind === 'Deployment' ? spec.template.spec.containers : []))
    expect(containers).toHaveLength(3)
    const { stdout: help } = await runMooring(['run', '--help'])
    const known = new Set(help.match(/(?<=^ {2})--[a-z-]+|(?<=env:\s+)[A-Z_]+/gm))
    for (const { args, env } of containers) {
      expect(args[0]).toBe('run')
      const named = [...args.slice(1), ...env.map(({ name }: { name: string }) => name)]
      expect(named.length).toBeGreaterThan(5)
      expect(
        named
          .map((argument: string) => argument.replace(/=.*$/, ''))
          // What an argument is put together with is not mooring's own.
          .filter((name) => !known.has(name) && !args.join(' ').includes(`$(${name})`)),
      ).toEqual([])
    }
  })

  it('is of the version of the package', () => {
    const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'))
    const chart = readFileSync('charts/mooring/Chart.yaml', 'utf8')
    expect(chart).toContain(`\nversion: ${version}\n`)
    expect(chart).toContain(`\nappVersion: ${version}\n`)
  })

  it('makes a template of a CRD only where nothing in it would be acted on', () => {
    expect(() => toTemplate('description: a {{ b')).toThrow('cannot be a template')
  })
})

describe('the rights of the operator', () => {
  const page = readFileSync('docs/kubernetes.md', 'utf8')
  const named = [
    ...page.matchAll(/^\| (?<where>[^|]+) \| (?<resources>`[^|]+`) \| (?<verbs>[a-z, ]+) \| [^|]+ \|$/gm),
  ]

  /** `where resource verb`, each once. */
  const rights = (where: string, resources: readonly string[], verbs: readonly string[]) =>
    resources.flatMap((resource) => verbs.map((verb) => `${where} ${resource} ${verb}`))

  const inTable = named.flatMap(({ groups: { where = '', resources = '', verbs = '' } = {} }) =>
    rights(where, resources.replaceAll('`', '').split(', '), verbs.split(', ')),
  )

  const places: Readonly<Record<string, string>> = {
    own: 'own namespace',
    watched: 'watched namespaces',
    'with-secrets': '`secretAccess`',
  }

  it('are those of the table in docs/kubernetes.md, and no others', async () => {
    const roles = await manifests({
      watchNamespaces: ['watched'],
      secretAccess: [{ namespace: 'with-secrets', names: ['db'] }],
      clusterSecrets: ['nomad'],
      rbac: { aggregate: false },
    })
    const granted = roles
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap(({ kind, metadata, rules = [] }) =>
        rules.flatMap(({ apiGroups, resources, verbs }) =>
          rights(
            kind === 'ClusterRole' ? 'cluster' : (places[metadata.namespace ?? ''] ?? ''),
            apiGroups.flatMap((group) => resources.map((name) => (group === '' ? name : `${name}.${group}`))),
            verbs,
          ),
        ),
      )
    expect(inTable.length).toBeGreaterThan(30)
    expect([...new Set(granted)].sort()).toEqual([...new Set(inTable)].sort())
  })

  it('reach no Secret without its name', async () => {
    const roles = await manifests({
      secretAccess: [{ namespace: 'a', names: ['db'] }],
      clusterSecrets: ['nomad'],
    })
    const ofSecrets = roles.flatMap(({ kind, rules = [] }) =>
      rules.filter(({ resources }) => resources.includes('secrets')).map((rule) => ({ kind, ...rule })),
    )
    expect(ofSecrets.length).toBeGreaterThan(2)
    for (const { kind, verbs, resourceNames = [] } of ofSecrets) {
      expect(kind).toBe('Role')
      if (!verbs.includes('create')) expect(resourceNames).toHaveLength(1)
    }
  })

  it('have no wildcard', async () => {
    const rules = (await manifests()).flatMap(({ rules = [] }) => rules)
    expect(rules.length).toBeGreaterThan(5)
    for (const { apiGroups, resources, verbs } of rules) {
      expect([...apiGroups, ...resources, ...verbs]).not.toContain('*')
    }
  })
})

describe('the manifests for kubectl', () => {
  it('are what the chart makes, with the CRDs, and say nothing of Helm', async () => {
    const { failed, said, stdout } = await run('kubectl', ['kustomize', 'manifests/kubernetes'])
    expect(failed, said).toBe(false)
    const kinds = (loadAll(stdout) as KubernetesManifest[]).map(({ kind }) => kind)
    const ofChart = (await manifests()).map(({ kind }) => kind)
    expect(kinds.sort()).toEqual([...ofChart, 'Namespace'].sort())
    expect(stdout).not.toMatch(/helm/i)
  })
})
