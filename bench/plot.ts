export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly { readonly name: string; readonly points: readonly { x: number; y: number }[] }[]
}

const width = 760
const height = 420
const margin = { left: 70, right: 200, top: 40, bottom: 50 }
const colours = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#a463f2', '#97bbf5']

/** Lines over two logarithmic axes, as an SVG. */
export function plotLines({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points)
  const scaleX = logScale(
    points.map((point) => point.x),
    margin.left,
    width - margin.right,
  )
  const scaleY = logScale(
    points.map((point) => point.y),
    height - margin.bottom,
    margin.top,
  )
  const text = (content: string, atX: number, atY: number, anchor = 'start') =>
    `<text x="${atX}" y="${atY}" text-anchor="${anchor}">${content}</text>`
  const ticks = [
    ...scaleX.ticks.map((tick) => text(String(tick), scaleX.at(tick), height - margin.bottom + 18, 'middle')),
    ...scaleY.ticks.map((tick) => text(String(tick), margin.left - 8, scaleY.at(tick) + 4, 'end')),
    ...scaleY.ticks.map(
      (tick) =>
        `<path d="M${margin.left} ${scaleY.at(tick)}H${width - margin.right}" stroke="#ddd" fill="none"/>`,
    ),
  ]
  const drawn = lines.map((line, position) => {
    const colour = colours[position % colours.length]
    const path = line.points.map((point) => `${scaleX.at(point.x)} ${scaleY.at(point.y)}`).join('L')
    return (
      `<path d="M${path}" stroke="${colour}" stroke-width="2" fill="none"/>` +
      `<g fill="${colour}">${text(line.name, width - margin.right + 12, margin.top + 18 * position + 12)}</g>`
    )
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${text(title, margin.left, 22)}
${text(x, (width - margin.right + margin.left) / 2, height - 10, 'middle')}
${text(y, 16, height / 2)}
${ticks.join('\n')}
${drawn.join('\n')}
</svg>
`
}

function logScale(values: readonly number[], from: number, to: number) {
  const positive = values.filter((value) => value > 0)
  const low = Math.floor(Math.log10(Math.min(...positive)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))))
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
    at: (value: number) =>
      Math.round(from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from)),
  }
}
