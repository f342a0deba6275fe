import { readFileSync } from 'node:fs'
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import { load } from 'js-yaml'
import { beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { conditionsOf } from '../../../../src/operator/plan/status.ts'
import { createMetrics } from '../../../../src/operator/telemetry/metrics.ts'
import { createPluginCallMetrics } from '../../../../src/telemetry/plugin-calls.ts'
import { startTelemetryServer } from '../../../../src/telemetry/telemetry-server.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { operatorView } from '../../../builders/operator-view.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'
import { parseMetrics, type ScrapedMetric } from '../../../helpers/metrics-text.ts'

/** Labels that Prometheus itself gives to what it scrapes. */
const targetLabels = ['instance', 'job', 'le']

let exposed: ReadonlyMap<string, ScrapedMetric>

beforeAll(async () => {
  exposed = parseMetrics(await scrape()).metrics
})

/** A real scrape of an operator that has seen some of everything, so that every label shows. */
async function scrape(): Promise<string> {
  const pluginCalls = createPluginCallMetrics(systemClock)
  const metrics = createMetrics({ clock: systemClock, version: '1.2.3', pluginCalls })
  const server = await startTelemetryServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    liveness: () => [],
    readiness: () => [],
  })
  const nightly = schedule('nightly', ['a', 'b'])
  const key = keyOf(nightly)
  const conditions = conditionsOf({ state: 'ready', reason: 'AsDeclared', message: '' }, [], 0)
  const declarations = [nightly, volume('a'), volume('b')]
  for (const measured of [metrics.of(undefined), metrics.of('east')]) {
    measured.observe(
      operatorView({
        declarations: new Map(declarations.map((each) => [keyOf(each), each])),
        records: [
          volumeRecord(volume('a'), { status: { conditions } }),
          snapshotRecord(snapshot('nightly:a:1', 'a'), {
            status: { conditions },
            schedule: { schedule: key, volume: 'Volume/default/a', tickMs: 1, isExpired: false },
          }),
        ],
        sources: [
          { name: 'folder', last: { declarations: 3, problems: 0, isComplete: true }, lastCompleteMs: 1 },
        ],
      }),
    )
    await measured.aroundPass({ key, queuedMs: 1 }, async () => ({ type: 'done' }))
    await measured.aroundStep({ key, step: 'miss-run' }, async () => undefined)
    await measured.aroundCall({ operation: 'read_volume' }, async () => ({ status: 200 }))
    measured.orphansFound({ inStorage: [], inNomad: [], undeclared: [], unknown: ['a plugin'] })
  }
  await pluginCalls.aroundCall({ pluginID: 'disk', path: '/csi.v1.Identity/Probe' }, async () => undefined)
  const answer = await fetch(`${server.url}/metrics`)
  await server.close()
  return answer.text()
}

/** Metric and label names of an expression, each label with the metrics that it is asked of. */
function namesIn(expression: string): { metrics: string[]; labels: string[] } {
  const metrics: string[] = []
  const labels: string[] = []
  const textOf = ({ from, to }: SyntaxNode) => text.slice(from, to)
  // Grafana fills these in.
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, 'x')
  parser.parse(text).iterate({
    enter({ name, node, type, from, to }) {
      expect(type.isError, `${text} at ${from}-${to}`).toBe(false)
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(textOf(node))
      if (name === 'LabelName') labels.push(textOf(node))
    },
  })
  return { metrics, labels }
}

function expectExposed(expression: string) {
  const { metrics, labels } = namesIn(expression)
  expect(metrics, expression).not.toEqual([])
  const known = metrics.map(
    (name) => exposed.get(name) ?? exposed.get(name.replace(/_(bucket|count|sum)$/, '')),
  )
  expect(known, expression).not.toContain(undefined)
  const given = [...targetLabels, ...known.flatMap((metric) => [...(metric?.labels ?? [])])]
  expect(
    labels.filter((label) => !given.includes(label)),
    expression,
  ).toEqual([])
  return given
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

describe('manifests/monitoring', () => {
  const alerts = load(readFileSync('manifests/monitoring/alerts.yaml', 'utf8')) as {
    groups: { rules: Rule[] }[]
  }
  const rules = alerts.groups.flatMap((group) => group.rules)
  const dashboard: {
    panels: { title: string; targets: { expr: string; legendFormat: string }[] }[]
  } = JSON.parse(readFileSync('manifests/monitoring/dashboard.json', 'utf8'))

  it('asks in its alerts for nothing that the operator does not expose', () => {
    expect(rules.length).toBeGreaterThanOrEqual(8)
    for (const { expr, annotations } of rules) {
      const given = expectExposed(expr)
      const used = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
      expect(used.filter((label) => !given.includes(label ?? ''))).toEqual([])
    }
  })

  it('asks in its dashboard for nothing that the operator does not expose', () => {
    const targets = dashboard.panels.flatMap((panel) => panel.targets)
    expect(targets.length).toBeGreaterThan(20)
    for (const { expr, legendFormat } of targets) {
      const given = expectExposed(expr)
      const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
      expect(used.filter((label) => !given.includes(label ?? ''))).toEqual([])
    }
  })

  it('shows every metric of ours in the dashboard', () => {
    const shown = JSON.stringify(dashboard)
    const ours = [...exposed.keys()].filter((name) => /^(mooring|csi)_/.test(name))
    expect(ours.filter((name) => !shown.includes(name))).toEqual([])
  })

  it('has its alerts in docs/operations.md, and no others stand there', () => {
    const page = readFileSync('docs/operations.md', 'utf8')
    const documented = [...page.matchAll(/^\| `(Mooring\w+)` \|/gm)].map(([, name]) => name)
    expect(documented).toEqual(rules.map(({ alert }) => alert))
  })
})

describe('the table of metrics in docs/operations.md', () => {
  it('has every metric with its type and its labels, and no other', () => {
    const page = readFileSync('docs/operations.md', 'utf8')
    const rows = [...page.matchAll(/^\| `((?:mooring|csi)_\w+)` \| (\w+) \| ([^|]*)\|/gm)]
    const documented = rows.map(([, name = '', type, labels = '']) => [
      name,
      type,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort(),
    ])
    const actual = [...exposed]
      .filter(([name]) => /^(mooring|csi)_/.test(name))
      .map(([name, { type, labels }]) => [name, type, [...labels].sort()])
    expect(documented.toSorted()).toEqual(actual.toSorted())
  })
})

it('a metric is refused by this check where the operator does not expose it', () => {
  expect(() => expectExposed('mooring_no_such_metric > 0')).toThrow()
  expect(() => expectExposed('sum by (nonsense) (mooring_orphans)')).toThrow()
  expect(() => expectExposed('sum by (')).toThrow()
})
