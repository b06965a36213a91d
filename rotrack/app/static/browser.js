// The browser on rotrack's own computer is the camera: its pictures go the same way as those of a phone.
const video = document.createElement("video");
[video.muted, video.playsInline] = [true, true];
rotrackFeed({ kind: "browser://", video, hear: () => {} }).start();
