import { expect, test } from 'vitest'
import { frame, frameBytes, readFrame } from './moving-frame.ts'

const bytes = Uint8Array.of(1, 2, 3)

test('a frame gives back its stage and its bytes', () => {
  for (const stage of ['claimed', 'frozen', 'copied'] as const) {
    for (const content of [bytes, new Uint8Array()]) {
      const framed = frame(stage, content)
      expect(framed).toHaveLength(frameBytes + content.length)
      expect(readFrame(framed)).toEqual({ stage, bytes: content })
    }
  }
})

test('what is no frame is a record', () => {
  const framed = frame('copied', bytes)
  for (let at = 0; at < frameBytes; at++) {
    expect(readFrame(framed.subarray(0, at))).toBeNull()
    expect(readFrame(framed.with(at, 77))).toBeNull()
  }
})
