/** Draws who sends what to whom, top down, as SVG. Colours are the site's. */

interface Step {
  readonly kind: 'request' | 'answer' | 'lost' | 'note'
  readonly from: number
  readonly to: number
  readonly text: string
}

interface Drawing {
  readonly lanes: readonly string[]
  readonly steps: readonly Step[]
}

const laneGap = 152
const margin = 62
const letter = 6.7
const lineHeight = 16

const kinds = { '->': 'request', '-->': 'answer', '-x': 'lost' } as const

/**
 * The first line has the lanes, with `|` between them. Each other line is `lane -> lane: text`, with `-->` for an
 * answer and `-x` for what does not arrive, or `note lane: text`.
 */
export function drawSequence(source: string): string {
  const drawing = parse(source)
  const width = margin * 2 + laneGap * (drawing.lanes.length - 1)
  let y = 52
  const rows = drawing.steps.map((step) => {
    const row = drawStep(step, y, width)
    y += row.height
    return row.svg
  })
  const lanes = drawing.lanes.map((name, index) => drawLane(name, index, y))
  const label = escape(drawing.steps.map((step) => describe(step, drawing.lanes)).join('. '))
  return (
    `<svg class="sequence" role="img" aria-label="${label}" viewBox="0 0 ${width} ${y + 8}" ` +
    `style="min-width:min(${width}px,${drawing.lanes.length * 7}rem);max-width:${Math.round(width * 1.4)}px">` +
    `${lanes.join('')}${rows.join('')}</svg>`
  )
}

function parse(source: string): Drawing {
  const [first = '', ...lines] = source.split('\n').filter((line) => line.trim() !== '')
  const lanes = first.split('|').map((name) => name.trim())
  const place = (name: string): number => {
    const index = lanes.indexOf(name.trim())
    if (index < 0) throw new Error(`There is no lane "${name}" in: ${first}`)
    return index
  }
  return { lanes, steps: lines.map((line) => parseStep(line, place)) }
}

function parseStep(line: string, place: (name: string) => number): Step {
  const note = /^note ([^:]+): (.*)$/.exec(line)
  if (note !== null) {
    const at = place(note[1] as string)
    return { kind: 'note', from: at, to: at, text: note[2] as string }
  }
  const message = /^(.+?) (->|-->|-x) (.+?): (.*)$/.exec(line)
  if (message === null) throw new Error(`Not a step of a drawing: ${line}`)
  const [, from = '', arrow, to = '', text = ''] = message
  return { kind: kinds[arrow as keyof typeof kinds], from: place(from), to: place(to), text }
}

function describe({ kind, from, to, text }: Step, lanes: readonly string[]): string {
  if (kind === 'note') return `${lanes[from]}: ${text}`
  return `${lanes[from]} to ${lanes[to]}${kind === 'lost' ? ', lost' : ''}: ${text}`
}

const xOf = (lane: number): number => margin + lane * laneGap

function drawLane(name: string, lane: number, height: number): string {
  const x = xOf(lane)
  return (
    `<line class="lane" x1="${x}" y1="34" x2="${x}" y2="${height}"/>` +
    `<rect class="head" x="${x - 56}" y="6" width="112" height="28" rx="6"/>` +
    `<text class="name" x="${x}" y="25">${escape(name)}</text>`
  )
}

function drawStep(step: Step, top: number, width: number): { svg: string; height: number } {
  return step.kind === 'note' ? drawNote(step, top, width) : drawMessage(step, top)
}

function drawMessage({ kind, from, to, text }: Step, top: number): { svg: string; height: number } {
  const [start, end] = [xOf(from), xOf(to)]
  const lines = wrap(text, Math.abs(end - start) - 16)
  const y = top + lines.length * lineHeight + 2
  const way = Math.sign(end - start)
  const stop = kind === 'lost' ? start + (end - start) * 0.6 : end - way * 2
  const head =
    kind === 'lost'
      ? `<path class="cross" d="M${stop - 5} ${y - 5}l10 10m0 -10l-10 10"/>`
      : `<path class="arrow" d="M${stop} ${y}l${-way * 8} -4v8z"/>`
  return {
    svg:
      drawText(lines, (start + end) / 2, top + lineHeight - 4, kind === 'lost' ? 'lost' : '') +
      `<line class="${kind}" x1="${start}" y1="${y}" x2="${stop}" y2="${y}"/>${head}`,
    height: lines.length * lineHeight + 18,
  }
}

function drawNote(
  { from, text }: Step,
  top: number,
  width: number,
): { svg: string; height: number } {
  const box = 150
  const lines = wrap(text, box - 14)
  const left = Math.min(Math.max(xOf(from) - box / 2, 2), width - box - 2)
  const height = lines.length * lineHeight + 10
  return {
    svg:
      `<rect class="note" x="${left}" y="${top}" width="${box}" height="${height}" rx="4"/>` +
      drawText(lines, left + box / 2, top + lineHeight, 'note-text'),
    height: height + 14,
  }
}

function drawText(lines: readonly string[], x: number, y: number, kind: string): string {
  const spans = lines.map(
    (line, n) => `<tspan x="${x}" y="${y + n * lineHeight}">${escape(line)}</tspan>`,
  )
  return `<text class="${kind}">${spans.join('')}</text>`
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && (last.length + word.length + 1) * letter <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(word)
  }
  return lines
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
