export interface ScrapedMetric {
  readonly type: string
  /** Label names of its samples so far; `le` of a histogram's buckets is left out. */
  readonly labels: Set<string>
}

/** Reads Prometheus' text format: metrics by name, and the value of each sample by its line's beginning. */
export function parseMetrics(text: string): {
  readonly metrics: ReadonlyMap<string, ScrapedMetric>
  readonly samples: ReadonlyMap<string, number>
} {
  const metrics = new Map<string, ScrapedMetric>()
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name !== undefined && type !== undefined) metrics.set(name, { type, labels: new Set() })
    const sample = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (sample === null) continue
    const [, series = '', pairs = '', value] = sample
    samples.set(line.slice(0, line.lastIndexOf(' ')), Number(value))
    const metric = metrics.get(series) ?? metrics.get(series.replace(/_(bucket|sum|count)$/, ''))
    for (const [, label = ''] of pairs.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) {
      if (label !== 'le') metric?.labels.add(label)
    }
  }
  return { metrics, samples }
}
