import captureUrl from './capture.worklet.ts?worker&url';

export interface InputDevice {
  readonly id: string;
  readonly label: string;
}

/** A microphone that is on, until it is closed. */
export interface OpenMicrophone {
  readonly sampleRate: number;
  close(): void;
}

/** Told of what an open microphone does. */
export interface Listener {
  onsamples: (samples: Float32Array) => void;
  /** It was unplugged, or the system took it away. */
  onended: () => void;
}

/** What the recorder needs of the browser, so that tests can play it. */
export interface Microphones {
  list(): Promise<InputDevice[]>;
  /** Calls back when one is plugged in or out; returns the function that ends that. */
  watch(changed: () => void): () => void;
  /** @param id null for the one that the system prefers. @throws DOMException as `getUserMedia` does */
  open(id: string | null, listener: Listener): Promise<OpenMicrophone>;
}

/** The browser's own. Pages that came over plain HTTP from another machine get none. */
export const microphones: Microphones = {
  async list() {
    const devices = (await media()?.enumerateDevices()) ?? [];
    return (
      devices
        .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== 'default' && deviceId !== 'communications')
        // Before the microphone was allowed once, they have neither name nor id.
        .filter(({ deviceId }) => deviceId !== '')
        .map(({ deviceId, label }, n) => ({ id: deviceId, label: label || `Microphone ${n + 1}` }))
    );
  },

  watch(changed) {
    const devices = media();
    devices?.addEventListener('devicechange', changed);
    return () => devices?.removeEventListener('devicechange', changed);
  },

  async open(id, { onsamples, onended }) {
    const devices = media();
    if (!devices) throw new DOMException('This page is not secure.', 'SecurityError');
    const stream = await devices.getUserMedia({
      // What calls want of a microphone takes away from a voice.
      audio: {
        ...(id !== null && { deviceId: { exact: id } }),
        channelCount: 1,
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
      },
    });
    const context = new AudioContext();
    const close = (): void => {
      for (const track of stream.getTracks()) track.stop();
      if (context.state !== 'closed') void context.close();
    };
    try {
      await context.audioWorklet.addModule(captureUrl);
      const capture = new AudioWorkletNode(context, 'capture');
      capture.port.onmessage = ({ data }: MessageEvent<Float32Array>) => onsamples(data);
      for (const track of stream.getTracks()) track.addEventListener('ended', onended);
      // Its output is silent: only what leads to the output runs.
      context.createMediaStreamSource(stream).connect(capture).connect(context.destination);
      await context.resume();
      return { sampleRate: context.sampleRate, close };
    } catch (error) {
      close();
      throw error;
    }
  },
};

/** Absent where the page is not secure, whatever the types say. */
function media(): MediaDevices | undefined {
  return navigator.mediaDevices as MediaDevices | undefined;
}
